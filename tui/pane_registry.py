"""The registry of panes: a line for each, as plain data without Textual, so that commands can check keys too.

All that the rest of the program knows of a pane comes from its line: its place on the screen, how one goes there, its
keys, their help, and their rows in ``docs/keys.md``.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Place = Literal["list", "preview", "top", "below"]
"""On a wide terminal: to the left; to the right of it until something else is gone to; above at the right; or below
that, where one of several is seen at a time. With three columns what is above is in the middle."""

Shows = Literal["pipeline", "run", "environment", "gate", "log"]


class KeyAction(msgspec.Struct, frozen=True):
    """What a key does."""

    id: str
    keys: tuple[str, ...]
    """Textual's names for keys, the first one shown in hints."""
    words: str
    hint: str = ""
    """A word or two for the bottom line; empty to leave it out there."""
    call: str = ""
    """What Textual is to run, where that is not the id itself."""
    scope: str = "everywhere"
    """Where the key is listened to: ``everywhere`` on the deck, ``acting`` where actions work, in every table
    (``tables``), in the lines of a log (``lines``), or in the pane of that scope, whose line fills it in."""

    @property
    def command(self) -> str:
        return self.call or self.id


class PaneSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The line of one pane."""

    scope: str
    """What it is known by: its keys, its widget's id, and the ``scope`` of its class."""
    class_name: str
    """``MODULE:CLASS``; imported when it is made."""
    title: str
    short: str = ""
    """On its tab, where there is little room."""
    go: tuple[str, ...] = ()
    """The keys that go there, its number first; without one it has no tab."""
    go_words: str = ""
    """What these keys do, for the help."""
    into: str = ""
    """What Enter leads to from here, in a word for the bottom line."""
    into_words: str = ""
    """The same for the help."""
    keys: tuple[KeyAction, ...] = ()
    """What its own keys do."""
    heading: str = ""
    """Above its keys in the help, where that is not ``In the TITLE``."""
    acts: bool = False
    """The keys that act work in it."""
    moved_by: Literal["tables", "lines"] | None = "tables"
    """The widget whose keys move in it; in lines the keys are those of ``less``, and only the menu leads to what can
    be done."""
    place: Place = "below"
    shows: Shows | None = None
    """What leads to it: whoever goes to something of this kind comes here."""

    @property
    def actions(self) -> tuple[KeyAction, ...]:
        return tuple(msgspec.structs.replace(action, scope=self.scope) for action in self.keys)

    @property
    def heard(self) -> tuple[str, ...]:
        """The scopes whose keys work in it, in the order of the bottom line. No two keys in them may be the same; in
        lines what those leave is everywhere's."""
        if self.moved_by == "lines":
            return self.scope, "lines"
        return (
            self.scope,
            *((self.moved_by,) if self.moved_by else ()),
            *(("acting",) if self.acts else ()),
            "everywhere",
        )


PANES: tuple[PaneSpec, ...] = (
    PaneSpec(
        scope="pipelines",
        class_name="tui.panes.pipelines:PipelinesPane",
        title="Pipelines",
        go=("1",),
        go_words="Go to the pipelines",
        acts=True,
        place="list",
        shows="pipeline",
        into="into",
        into_words="Into the run: its preview where one pane is shown, its stages",
        keys=(
            KeyAction("filter", ("slash",), "Filter as you type", "filter"),
            KeyAction("sort", ("s",), "Sort by need, by name or by time"),
            KeyAction("reverse", ("S",), "Sort the other way round"),
            KeyAction("next_view", ("V",), "The next view of [views] in the config"),
            KeyAction("group", ("v",), "Group by nothing, source or folder"),
            KeyAction("open_run", ("o",), "Show the run's stages"),
        ),
    ),
    PaneSpec(
        scope="stages",
        class_name="tui.panes.stages:StagesPane",
        title="Stages",
        go=("2",),
        go_words="Go to the stages of the run",
        acts=True,
        place="top",
        shows="run",
        into="log",
        into_words="Into the log of the job or stage",
    ),
    PaneSpec(
        scope="preview",
        class_name="tui.panes.preview:PreviewPane",
        title="Preview",
        heading="In the preview",
        acts=True,
        place="preview",
        into="stages",
        into_words="Into the run: its stages",
    ),
    PaneSpec(
        scope="metrics",
        class_name="tui.panes.metrics:MetricsPane",
        title="Metrics",
        go=("3",),
        go_words="Go to the metrics of the model",
        acts=True,
        moved_by=None,
        keys=(
            KeyAction("next_metric", ("down", "j"), "Next metric"),
            KeyAction("previous_metric", ("up", "k"), "Previous metric"),
            KeyAction("one_chart", ("o", "enter"), "This metric's chart alone and large, or all", "one/all"),
            KeyAction("cursor_left", ("left",), "Values at a time: the cursor to the left", "values"),
            KeyAction("cursor_right", ("right",), "The cursor to the right"),
            KeyAction("shorter_span", ("minus",), "Zoom in on the cursor: a shorter time", "shorter"),
            KeyAction("longer_span", ("equals_sign",), "Zoom out: a longer time"),
            KeyAction("earlier", ("less_than_sign",), "Back in time by half of what is shown", "earlier"),
            KeyAction("later", ("greater_than_sign",), "Forward in time"),
            KeyAction("now", ("n",), "Back to now, without the cursor"),
            KeyAction("log_scale", ("L",), "Logarithmic scale, or not"),
            KeyAction("training_metric", ("M",), "To the training; again: its next metric"),
            KeyAction("steps_or_time", ("s",), "To the training; again: by time, or by step"),
            KeyAction("method", ("W",), "How the verdict was found, in numbers, or its reasons"),
        ),
    ),
    PaneSpec(
        scope="tests",
        class_name="tui.panes.tests:TestsPane",
        title="Tests",
        go=("4",),
        go_words="Go to the tests of the run",
        into="all of it",
        into_words="All that the test said",
        keys=(
            KeyAction("filter_tests", ("slash",), "Filter as you type", "filter", call="filter"),
            KeyAction("copy_place", ("C",), "Copy the file and line that the trace names", "copy line"),
        ),
    ),
    PaneSpec(
        scope="deployments",
        class_name="tui.panes.deployments:DeploymentsPane",
        title="Deployments",
        short="Deploys",
        go=("5",),
        go_words="Go to the deployments of the model",
        acts=True,
        shows="environment",
        into="what it brought",
        into_words="Into what the deployment brought, and from there to the run",
        keys=(
            KeyAction("open_deployment", ("o",), "Show the run behind it", "run"),
            KeyAction("all_models", ("A",), "The environments of all models, or of this one", "all"),
            KeyAction("shorter_window", ("minus",), "Delivery figures over a shorter time"),
            KeyAction("longer_window", ("equals_sign",), "Delivery figures over a longer time"),
        ),
    ),
    PaneSpec(
        scope="log",
        class_name="tui.panes.log:LogPane",
        title="Log",
        go=("6",),
        go_words="Go to the log opened last",
        heading="In a log",
        moved_by="lines",
        shows="log",
        keys=(
            KeyAction("save_log", ("s",), "Save what was read to a file", "save"),
            KeyAction("log_in_pager", ("P",), "Open it in $PAGER"),
            KeyAction("log_in_editor", ("V",), "Open it in $EDITOR"),
        ),
    ),
    PaneSpec(
        scope="gates",
        class_name="tui.panes.gates:GatesPane",
        title="Gates",
        go=("7",),
        go_words="Go to what waits for a person",
        acts=True,
        shows="gate",
        into="run",
        into_words="To the run that waits",
        keys=(
            KeyAction(
                "optional_gates",
                ("o",),
                "What needs nobody too: optional jobs, and what a newer deployment has overtaken",
                "optional",
            ),
        ),
    ),
    PaneSpec(
        scope="alarms",
        class_name="tui.panes.alarms:AlarmsPane",
        title="Alarms",
        go=("8",),
        go_words="Go to the alarms",
        into="run",
        into_words="To the run that the alarm is about",
        keys=(
            KeyAction("acknowledge", ("A",), "Acknowledge the alarm, or no more", "acknowledge"),
            KeyAction(
                "propose_rollback",
                ("b",),
                "Roll back, as the alarm proposes",
                "roll back",
                call="propose('rollback')",
            ),
            KeyAction(
                "propose_retrain",
                ("t",),
                "Retrain, as the alarm proposes",
                "retrain",
                call="propose('trigger')",
            ),
            KeyAction("withdraw", ("w",), "Say no to what a policy is about to do for it", "say no"),
        ),
    ),
    PaneSpec(
        scope="journal",
        class_name="tui.panes.journal:JournalPane",
        title="Journal",
        go=("9", "J"),
        go_words="Go to the journal: what was done",
        into="go there",
        into_words="To what it was done to; to the run it led to, where that was no run",
        keys=(KeyAction("open_target", ("o",), "Go to what it was done to"),),
    ),
)
"""In the order of their numbers, which is that of Tab."""

SPECS: Mapping[str, PaneSpec] = {spec.scope: spec for spec in PANES}
PREVIEW = next((spec.scope for spec in PANES if spec.place == "preview"), None)


def pane_that_shows(what: Shows) -> str:
    """The scope of the pane that leads to things of that kind."""
    return next(spec.scope for spec in PANES if spec.shows == what)
