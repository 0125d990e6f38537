"""Keeping a run's record for ever, and describing it (contracts: jenkins §10)."""

from collections.abc import Mapping

from tui.domain.action import ActionField, ActionRequest, Observation, Plan, Reply, Step
from tui.sources.jenkins.actions.live_state_reader import LiveStateReader, address, note, noted, place
from tui.sources.jenkins.actions.steps import StepKind
from tui.sources.jenkins.names import job_path
from tui.text.safe import clean, shorten


async def plan_keep(request: ActionRequest, look: LiveStateReader) -> Plan:
    """The request turns what is: it must not be sent for what is so already."""
    run = request.target.of_run
    state = await look.of(run)
    wanted = request.value("keep") or ("false" if state.kept else "true")
    doing = "Keep the record of" if wanted == "true" else "No longer keep the record of"
    words = f"{doing} {run} on {look.server}"
    if wanted not in ("true", "false"):
        return look.cannot(request, words, "keep is true or false")
    if state.kept == (wanted == "true"):
        return look.cannot(request, words, "it is kept already" if state.kept else "it is not kept")
    step = Step(
        words=f"{'keep' if wanted == 'true' else 'no longer keep'} {run}",
        method="POST",
        path=f"{job_path(look.sent_name(run.path))}/{run.run}/toggleLogKeep",
        kind=StepKind.KEEP,
        expect=note(**place(request, look), keep=wanted),
    )
    return look.plan(request, words, steps=(step,))


async def observe_keep(expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader) -> Observation:
    at = address(expect)
    state = await look.run(expect["job"], noted(expect, "run"))
    now = "it is kept for ever" if state.kept else "it is not kept for ever"
    done = state.kept == (expect["keep"] == "true")
    return Observation("done" if done else "nothing", now, at)


async def plan_describe(request: ActionRequest, look: LiveStateReader) -> Plan:
    run = request.target.of_run
    state = await look.of(run)
    text = dict(request.values).get("description", state.description)
    words = f"Describe {run} on {look.server}"
    field = ActionField("description", "lines", state.description)
    facts = (("now", shorten(clean(state.description), 200) or "nothing"),)
    step = Step(
        words=f"describe {run}",
        method="POST",
        path=f"{job_path(look.sent_name(run.path))}/{run.run}/submitDescription",
        body=(("description", text),),
        body_kind="form",
        kind=StepKind.DESCRIBE,
        expect=note(**place(request, look), text=text, before=state.description),
    )
    return look.plan(request, words, facts=facts, fields=(field,), steps=(step,))


async def observe_describe(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader
) -> Observation:
    at = address(expect)
    now = _plain((await look.run(expect["job"], noted(expect, "run"))).description)
    if now == _plain(expect.get("text", "")):
        return Observation("done", "it is described so", at)
    if now == _plain(expect.get("before", "")):
        return Observation("nothing", "its description is as it was", at)
    return Observation("failed", "somebody described it otherwise since", at, not_ours=True)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
