"""The ``tree=`` language (contracts: jenkins §2)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.sandbox.jenkins.export import Bean, Tree, TreeError, export, parse_tree


def build(number: int) -> Bean:
    return Bean(
        "Run",
        {"number": number, "url": f"/{number}/", "result": "SUCCESS", "actions": [Bean("", {})]},
        brief=frozenset({"number", "url"}),
    )


def job() -> Bean:
    def never() -> Any:
        raise AssertionError("asked for without need")

    return Bean(
        "Job",
        {
            "name": "x",
            "builds": lambda: [build(n) for n in range(5)],
            "last": lambda: build(4),
            "none": None,
            "costly": never,
        },
        hidden=frozenset({"costly"}),
    )


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ("name", {"name": "x"}),
        ("nosuch,name", {"name": "x"}),
        ("last", {"last": {"_class": "Run"}}),
        ("last[number]", {"last": {"_class": "Run", "number": 4}}),
        ("last[number],last[url]", {"last": {"_class": "Run", "url": "/4/"}}),
        (
            "last[*]",
            {"last": {"_class": "Run", "number": 4, "url": "/4/", "result": "SUCCESS", "actions": [{}]}},
        ),
        ("none[number]", {"none": None}),
        ("builds[number]{1,3}", {"builds": [{"_class": "Run", "number": n} for n in (1, 2)]}),
        ("builds[number]{3,}", {"builds": [{"_class": "Run", "number": n} for n in (3, 4)]}),
        ("builds[number]{,1}", {"builds": [{"_class": "Run", "number": 0}]}),
        ("builds[number]{2}", {"builds": [{"_class": "Run", "number": 2}]}),
        ("builds[number]{100,120}", {"builds": []}),
        ("builds{0,1},name", {"name": "x", "builds": [{"_class": "Run"}]}),
    ],
)
def test_only_what_is_asked_for_is_shown(tree: str, expected: dict[str, Any]) -> None:
    assert export(job(), parse_tree(tree)) == {"_class": "Job", **expected}


def test_without_a_tree_what_is_inside_is_shown_in_brief() -> None:
    assert export(job(), None) == {
        "_class": "Job",
        "name": "x",
        "builds": [{"_class": "Run", "number": n, "url": f"/{n}/"} for n in range(5)],
        "last": {"_class": "Run", "number": 4, "url": "/4/"},
        "none": None,
    }
    assert export(job(), None, depth=1)["last"]["result"] == "SUCCESS"


@pytest.mark.parametrize(
    "tree", ["", "jobs[name", "jobs[name]]", "a,", ",a", "a[b,]", "a{1", "a{x}", "a{-1,2}", "a]b"]
)
def test_what_is_no_tree_is_refused(tree: str) -> None:
    with pytest.raises(TreeError):
        parse_tree(tree)


names = st.text("abcXYZ_*", min_size=1, max_size=4)
trees = st.recursive(
    st.builds(Tree),
    lambda inner: st.builds(
        Tree,
        st.dictionaries(names, inner, min_size=1, max_size=3),
        st.integers(0, 9),
        st.none() | st.integers(0, 9),
    ),
    max_leaves=8,
)


def spell(children: Any) -> str:
    def one(name: str, tree: Tree) -> str:
        inner = f"[{spell(tree.children)}]" if tree.children else ""
        bounds = (
            ""
            if (tree.start, tree.stop) == (0, None)
            else f"{{{tree.start},{'' if tree.stop is None else tree.stop}}}"
        )
        return f"{name}{inner}{bounds}"

    return ",".join(one(name, tree) for name, tree in children.items())


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(names, trees, min_size=1, max_size=4))
def test_any_tree_is_read_as_it_was_spelt(children: dict[str, Tree]) -> None:
    assert parse_tree(spell(children)) == Tree(children)
