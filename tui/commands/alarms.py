"""``pipedeck alarms``: what fires now, for people and for scripts."""

import msgspec

from tui.commands.exit_codes import Exit
from tui.commands.frame import print_document, with_runtime
from tui.config import Settings
from tui.domain.alarm import Alarm, Alarms
from tui.engine.runtime import Runtime
from tui.presenters.alarm_documents import AlarmDoc, alarm_document
from tui.presenters.notices import before_words
from tui.presenters.plain_text import table
from tui.text import format as fmt


class AlarmsDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    alarms: tuple[AlarmDoc, ...]
    notes: tuple[str, ...]
    unread: tuple[str, ...]


async def alarms(settings: Settings, *, as_json: bool) -> Exit:
    """Print them; exit code 1 when one fires, 3 when none does as far as the sources could be read."""

    async def work(runtime: Runtime) -> Exit:
        found = await runtime.alarms.look_once()
        unread, now = runtime.alarms.unread(), runtime.clock()
        if as_json:
            print_document(AlarmsDoc(1, now, tuple(map(alarm_document, found.alarms)), found.notes, unread))
        else:
            print(_text(found, unread, now, configured=runtime.alarms.configured))
        if found.firing:
            return Exit.FAILED
        return Exit.UNREACHABLE if unread else Exit.OK

    return await with_runtime(settings, work)


def _text(found: Alarms, unread: tuple[str, ...], now: float, *, configured: bool) -> str:
    words = "Nothing fires." if configured else "No alarm is configured; add [alarms.NAME] to the config."
    titles = ("STATE", "ALARM", "OF", "SEVERITY", "SINCE", "WHAT", "AFTER", "PROPOSED")
    lines = table(titles, [_row(alarm, now) for alarm in found.alarms], open_end=True)
    notes = (*found.notes, *(each for each in unread if each not in found.notes))
    return "\n".join((lines if found.alarms else words, *notes))


def _row(alarm: Alarm, now: float) -> tuple[str, ...]:
    return (
        alarm.silenced or alarm.state.value,
        f"{alarm.origin}:{alarm.name}" if alarm.origin else alarm.name,
        alarm.subject,
        alarm.severity,
        fmt.ago(now - alarm.since),
        alarm.words,
        before_words(alarm),
        ", ".join(alarm.advice),
    )
