"""The alarms pane: what fires, since when, after which deployment, what is proposed, and what policies are about to
do."""

from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.widget import Widget

from tui.domain.action import ActionKind, ActionRequest
from tui.domain.alarm import Alarm, Alarms, AlarmState, Announcement
from tui.domain.pipeline import Pipeline
from tui.engine.queries import AlarmsNow, AnnouncementsNow, AnyQuery, PipelinesOf
from tui.engine.runtime import Runtime
from tui.panes.action_progress import progress, recent
from tui.panes.base import Pane, Selection
from tui.presenters.notices import before_words, countdown
from tui.text import format as fmt
from widgets.status_line import StatusItem, StatusLine
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import StatusStyle, status_style

COLUMNS = (
    Column("", 1),
    Column("Alarm", 14, flex=2),
    Column("Of", 10, flex=2),
    Column("State", 12, drop=2),
    Column("Since", 5, align="right"),
    Column("What", 20, flex=4, drop=1),
    Column("After", 18, flex=3, drop=4),
    Column("Proposed", 16, flex=3, drop=3),
)
_LOOKS = {
    AlarmState.FIRING: status_style("failed"),
    AlarmState.ACKNOWLEDGED: status_style("warning"),
    AlarmState.PENDING: status_style("queued"),
    AlarmState.RESOLVED: status_style("passed"),
}
_SILENCED = StatusStyle("-", "dim")


def project(alarms: Alarms, now: float) -> list[Row]:
    """A row for each alarm."""
    rows: dict[str, Row] = {}
    for alarm in alarms.alarms:
        key, number = alarm.key, 1
        while key in rows:  # other systems may tell of one subject twice
            number += 1
            key = f"{alarm.key} {number}"
        rows[key] = _row(key, alarm, now)
    return list(rows.values())


def _row(key: str, alarm: Alarm, now: float) -> Row:
    shown = _SILENCED if alarm.silenced else _LOOKS[alarm.state]
    grave = alarm.severity == "critical" and alarm.state.active and not alarm.silenced
    state = "silenced" if alarm.silenced else alarm.state.value
    return Row(
        key,
        (
            (shown.glyph, shown.role),
            (alarm.name, "strong" if grave else ""),
            alarm.subject,
            (state, shown.role),
            fmt.ago(now - alarm.since),
            alarm.words,
            before_words(alarm),
            ", ".join(alarm.advice),
        ),
        dim=bool(alarm.silenced) or alarm.state is AlarmState.RESOLVED,
    )


def _proposed(request: ActionRequest) -> str:
    """One line of the menu."""
    if request.kind is ActionKind.TRIGGER:
        return f"Proposed: retrain with {request.target}"
    return f"Proposed: roll back {request.target} to {request.value('version')}"


class AlarmsPane(Pane):
    scope = "alarms"
    DEFAULT_CSS = "AlarmsPane > .detail { background: $background; }"

    table = query_one(LineTable)
    line = query_one("AlarmsPane > .head", StatusLine)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._details = [
            StatusLine(classes="detail") for _ in range(4 if runtime.settings.safety.policies else 3)
        ]

    def compose(self) -> ComposeResult:
        yield StatusLine(classes="head")
        yield LineTable(COLUMNS)
        yield from self._details

    def queries(self) -> tuple[AnyQuery, ...]:
        return self.runtime.alarms.queries()  # watched anyway; here for asking again now

    @property
    def focus_target(self) -> Widget:
        return self.table

    @property
    def alarm(self) -> Alarm | None:
        """The one under the cursor."""
        found = self.runtime.store.get(AlarmsNow()).value
        key = self.table.key
        return next((alarm for alarm in (found.alarms if found else ()) if alarm.key == key), None)

    @property
    def selected(self) -> Selection:
        """The pipeline that the alarm under the cursor is about; of one on a model what was deployed before it."""
        alarm = self.alarm
        if alarm is None:
            return self.selection
        model, pipeline = alarm.model or None, self._row(alarm.subject)
        if pipeline is not None or alarm.before is None:
            return Selection(pipeline=pipeline, model=model)
        deployment, environment = alarm.before.deployment, alarm.before.environment
        run, url = deployment.run, deployment.web_url or None
        if run is None:
            return Selection(environment, model=model, url=url)
        return Selection(run, run.of_run, model=model, url=url)

    def _row(self, key: str) -> Pipeline | None:
        """The row of the list that has this key, as the subject of an alarm on runs or tests is one."""
        listing = self.runtime.store.get(PipelinesOf(key.partition(":")[0])).value
        return next((row for row in (listing.pipelines if listing else ()) if row.key == key), None)

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        alarm = self.alarm
        proposed = {
            request.kind: _proposed(request) for request in (alarm.proposals if alarm is not None else ())
        }
        return tuple((words, f"propose('{kind.value}')") for kind, words in proposed.items())

    def project(self) -> None:
        found, now = self.runtime.store.get(AlarmsNow()).value or Alarms(), self.runtime.clock()
        configured = self.runtime.alarms.configured
        self.table.empty = (
            "Nothing fires." if configured else "No alarm is configured; add [alarms.NAME] to the config."
        )
        self.table.set_rows(project(found, now))
        states = [alarm.state for alarm in found.alarms if not alarm.silenced]
        items = [
            StatusItem(f"{_LOOKS[state].glyph} {states.count(state)} {state}", _LOOKS[state].role, drop=order)
            for order, state in enumerate(AlarmState)
            if state in states
        ]
        self.line.show(items, [StatusItem("", detail=note, drop=5) for note in found.notes[:1]])
        self._show_details()

    @on(LineTable.Selected)
    def _entered(self, event: LineTable.Selected) -> None:
        event.stop()
        self.post_message(self.Go("run"))

    @on(LineTable.Highlighted)
    def _cursor_moved(self, event: LineTable.Highlighted) -> None:
        event.stop()
        self._show_details()
        self.post_message(self.Moved())

    def _show_details(self) -> None:
        """All that is known of the alarm under the cursor."""
        alarm = self.alarm
        lines: list[list[StatusItem]] = [[], [], [], []]
        if alarm is not None:
            quiet = f" ({alarm.silenced})" if alarm.silenced else ""
            of = f" from {alarm.origin}" if alarm.origin else ""
            lines[0] = [StatusItem(f"{alarm.name}{of}{quiet}", "strong"), StatusItem(alarm.words)]
            if alarm.before is not None:
                lines[1] = [
                    StatusItem("came", "dim"),
                    StatusItem(before_words(alarm)),
                    StatusItem(str(alarm.before.environment), "dim"),
                ]
            elif alarm.model:
                lines[1] = [StatusItem("no deployment before it is known", "dim")]
            if alarm.advice:
                lines[2] = [StatusItem("proposed", "dim"), *map(StatusItem, alarm.advice)]
            proposed = {proposal.target for proposal in alarm.proposals}
            for activity in recent(self.runtime):
                if not activity.ended and activity.plan.request.target in proposed:
                    words, role = progress(activity)
                    lines[2].insert(0, StatusItem(words, role))
            for announcement in self._announcements(alarm):
                role = "waiting" if announcement.at is not None else "dim"
                lines[3] += [
                    StatusItem(countdown(announcement, self.runtime.clock()), role),
                    StatusItem(announcement.words),
                ]
        for line, items in zip(self._details, lines, strict=False):
            line.show(items)

    def _announcements(self, alarm: Alarm) -> list[Announcement]:
        """What policies say of it."""
        announced = self.runtime.store.get(AnnouncementsNow()).value or ()
        return [each for each in announced if (each.alarm, each.model) == (alarm.name, alarm.model)]

    def action_propose(self, word: str) -> None:
        """Carry what the alarm under the cursor proposes, of that kind, to the plan."""
        kind, alarm = ActionKind(word), self.alarm
        proposals = alarm.proposals if alarm is not None else ()
        if (request := next((proposal for proposal in proposals if proposal.kind is kind), None)) is not None:
            self.post_message(self.ActionRequested(request))
            return
        what = "retrain" if kind is ActionKind.TRIGGER else "roll back"
        advice = alarm.advice if alarm is not None else ()
        why = next((words.partition(": ")[2] for words in advice if words.startswith(f"{what}: ")), "")
        words = f"{alarm.name} does not propose to {what}" if alarm is not None else "There is no alarm here"
        self.notify(f"{words}{f': {why}' if why else ''}.", markup=False, timeout=4)

    def action_withdraw(self) -> None:
        """Say no to what policies have announced for the alarm under the cursor."""
        alarm = self.alarm
        announced = self._announcements(alarm) if alarm is not None and not alarm.origin else []
        if not [each for each in announced if self.runtime.policies.withdraw(each.policy)]:
            self.notify("No policy is about to do anything for this alarm.", markup=False, timeout=4)

    def action_acknowledge(self) -> None:
        """Say that one knows of the alarm under the cursor; again: that one does not."""
        alarm = self.alarm
        if alarm is None or alarm.origin or not self.runtime.alarms.acknowledge(alarm.key):
            words = "There is no alarm of ours here that fires."
            if alarm is not None and alarm.origin:
                words = f"{alarm.origin} has this alarm; silence it there."
            self.notify(words, markup=False, timeout=4)
