"""The stages of an execution as a tree (contracts: spinnaker §6.2)."""

from collections.abc import Iterator, Sequence

import msgspec

from tui.sources.spinnaker.payload import Stage

AFTER = "STAGE_AFTER"


class Node(msgspec.Struct, frozen=True):
    stage: Stage
    needs: tuple[str, ...]
    """Ids of the siblings that come directly before it."""
    children: "tuple[Node, ...]"
    """What the server put before and after its own work."""


def tree(stages: Sequence[Stage]) -> tuple[Node, ...]:
    """The author's stages in their order, each with those that the server made below it."""
    ids = {stage.id for stage in stages}
    below: dict[str, list[Stage]] = {}
    for stage in stages:
        # One whose parent is gone would be lost otherwise.
        parent = stage.parent_stage_id if stage.parent_stage_id in ids else None
        below.setdefault(parent or "", []).append(stage)
    return tuple(_nodes(below, "", frozenset()))


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from walk(node.children)


def labels(nodes: Sequence[Node]) -> dict[str, str]:
    """What each stage is called in addresses, by id: its name, with ``~REFID`` where a name repeats in the run."""
    every = [node.stage for node in walk(nodes)]
    names: dict[str, int] = {}
    for stage in every:
        names[stage.called] = names.get(stage.called, 0) + 1
    return {
        stage.id: stage.called if names[stage.called] == 1 else f"{stage.called}~{stage.ref_id or stage.id}"
        for stage in every
    }


def find(nodes: Sequence[Node], label: str) -> Node | None:
    """The stage that an address calls so: by label, by ``NAME~ID``, or the first of that name."""
    by_id = labels(nodes)
    every = list(walk(nodes))
    ref = label.rpartition("~")[2] if "~" in label else ""
    for fits in (
        lambda stage: by_id[stage.id] == label,
        lambda stage: ref and ref in (stage.id, stage.ref_id) and label.startswith(f"{stage.called}~"),
        lambda stage: stage.called == label,
    ):
        if found := next((node for node in every if fits(node.stage)), None):
            return found
    return None


def _nodes(below: dict[str, list[Stage]], parent: str, above: frozenset[str]) -> Iterator[Node]:
    siblings = below.get(parent, [])
    before = [stage for stage in siblings if not parent or stage.synthetic_stage_owner != AFTER]
    after = [stage for stage in siblings if parent and stage.synthetic_stage_owner == AFTER]
    ends: tuple[str, ...] = ()
    for group in (before, after):
        needed: set[str] = set()
        made = []
        for stage, needs in _ordered(group):
            needed.update(needs)
            children = (
                tuple(_nodes(below, stage.id, above | {stage.id})) if stage.id not in above else ()
            )  # its own parent: a circle
            made.append(Node(stage, needs or ends, children))
        yield from made
        ends = tuple(node.stage.id for node in made if node.stage.id not in needed) or ends


def _ordered(siblings: Sequence[Stage]) -> Iterator[tuple[Stage, tuple[str, ...]]]:
    """Each after those it needs, with their ids. References to nothing are dropped, a circle is cut where it begins;
    where no stage has a reference, they are one after another as they came."""
    if not any(stage.ref_id for stage in siblings):
        for number, stage in enumerate(siblings):
            yield stage, (siblings[number - 1].id,) if number else ()
        return
    by_ref = {stage.ref_id: stage for stage in siblings if stage.ref_id}
    left = list(siblings)
    done: set[str] = set()
    while left:
        for stage in left:
            needs = [by_ref[ref] for ref in stage.requisite_stage_ref_ids or () if ref in by_ref]
            if all(needed.id in done for needed in needs):
                break
        else:
            stage = left[0]
            needs = [
                by_ref[ref]
                for ref in stage.requisite_stage_ref_ids or ()
                if ref in by_ref and by_ref[ref].id in done
            ]
        left.remove(stage)
        done.add(stage.id)
        yield stage, tuple(dict.fromkeys(needed.id for needed in needs))
