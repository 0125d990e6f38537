"""All mistakes of a configuration at once, each with its line; nothing is said that only follows from another one."""

from pathlib import Path
from typing import get_args

import pytest
from textual.keys import Keys
from textual.theme import BUILTIN_THEMES

from tui import config
from tui.config import ConfigError
from tui.config.lines import line_of
from tui.config.settings import Theme
from tui.key_names import is_key, known_keys
from tui.keys import ACTIONS, ui_mistakes
from widgets.theme import THEMES

BAD = """\
fromat = 1
[sources.ci]
type = "jenkins"
url = "https://me:pw@ci"
wach = ["x"]
timeout = "5"
[[sources.ci.deployments]]
job = 'first'
environment = "production"
version = { parameter = "V" }
[[sources.ci.deployments]]
job = 'second'
versio = 3
[sources.gl]
type = "gitlab"
url = "https://gl"
watch = ["ml/*"]
[models.fraud]
pipelines = [
    "gitlab:ml/fraud",
    "ci:x",  # of a source that could not be read
    "gl:y",
]
metrics = ["p95", "p99"]
alarm = 3
[metrics.p95]
source = "prom"
query = \"\"\"
[models.none]
x = "[a.b]"
\"\"\"
[alarms.slow]
verdict = { model = "fraud" }  # of a model that could not be read
[[safety.policies]]
name = "back"
[ui]
theme = "draculla"
[ui.keys]
quitt = "q"
sort = "ctrlx+q"
help = "l"
"""


def mistakes(text: str) -> list[tuple[str, str]]:
    """Place and beginning of what is told, in the order in which it is."""
    with pytest.raises(ConfigError) as caught:
        config.parse(text, Path("c.toml"), ui_mistakes)
    return [(line.split(": ")[0], line.partition(": ")[2]) for line in str(caught.value).split("\n")]


def test_all_are_told_at_once_in_the_order_of_the_file() -> None:
    told = mistakes(BAD)
    assert [(place, words.partition(": ")[0]) for place, words in told] == [
        ("c.toml:1", "fromat"),
        ("c.toml:4", "sources.ci.url"),
        ("c.toml:5", "sources.ci.wach"),
        ("c.toml:6", "sources.ci.timeout"),
        ("c.toml:11", "sources.ci.deployments[1].environment"),
        ("c.toml:11", "sources.ci.deployments[1].version"),
        ("c.toml:13", "sources.ci.deployments[1].versio"),
        ("c.toml:25", "models.fraud.alarm"),
        ("c.toml:27", "metrics.p95.source"),
        *(
            ("c.toml:34", f"safety.policies[0].{key}")
            for key in ("alarm", "model", "action", "at_most", "wait")
        ),
        ("c.toml:37", "ui.theme"),
        ("c.toml:39", "ui.keys.quitt"),
        ("c.toml:40", "ui.keys.sort"),
        ("c.toml:41", "ui.keys.help"),
    ]
    words = dict(told)
    assert words["c.toml:5"].endswith("unknown key (did you mean watch?)")
    assert words["c.toml:37"].endswith("(did you mean dracula?)")
    assert words["c.toml:39"] == "ui.keys.quitt: there is no such action (did you mean quit?)"
    assert words["c.toml:40"] == "ui.keys.sort: there is no key 'ctrlx+q' (did you mean ctrl+q?)"


def test_what_a_line_is_found_for() -> None:
    assert line_of(BAD, "models.fraud.pipelines[1]") == 19
    assert line_of(BAD, "sources.ci.deployments[1]") == 11
    assert line_of(BAD, "sources.gl.token") == 14
    assert line_of(BAD, "models.none") is None, "it stands in a text"
    assert line_of("a.b = { c = 1 }\n['x'.\"y z\"]\nk = 1", "a.b.c") == 1
    assert line_of("a.b = { c = 1 }\n['x'.\"y z\"]\nk = 1", "x.y z.k") == 3


def test_every_key_that_textual_or_we_name_is_one() -> None:
    theirs = {key.value for key in Keys if not key.value.startswith("<")} - {"ctrl-at"}
    ours = {key for action in ACTIONS for key in action.keys}
    assert [key for key in (*theirs, *ours, *known_keys(), "?", "X", "é", "alt+f4") if not is_key(key)] == []
    for wrong in ("ctrlx+q", "contrl+c", "f25", "pgup", "ctrl+", "", "ctrl+ctrl+a", "letter", "xx"):
        assert not is_key(wrong), wrong


def test_the_themes_are_ours_and_those_of_textual() -> None:
    assert set(get_args(Theme)) == {*BUILTIN_THEMES, *(theme.name for theme in THEMES)}
