"""Notices: how alarms are told to somebody who is not looking. Not in quiet hours, and so many a minute at most."""

import asyncio
import logging
import subprocess
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tui.alarm_document import notice_document
from tui.config import ConfigError, NoticeSettings
from tui.config.alarms import Channel
from tui.domain.alarm import Alarm, AlarmState
from tui.format import count, duration
from tui.insight.alarms import quiet
from tui.text import clean, shorten
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.engine.engine import Timer

PATIENCE = 10.0
"""Seconds that a command or a webhook may take."""
GATHER = 2.0
"""Seconds over which alarms are gathered for one notice: what breaks together is told together."""
_NAMED = 3
"""Alarms that one notice names."""

_log = logging.getLogger(__name__)


def sentence(alarm: Alarm) -> str:
    """One alarm in a line: what, since which deployment, and what is proposed."""
    parts = [f"{alarm.name} {alarm.state.value}: {alarm.subject}", alarm.words]
    if alarm.before is not None and alarm.state is not AlarmState.RESOLVED:
        parts.append(before_words(alarm))
    if alarm.advice and alarm.state is not AlarmState.RESOLVED:
        parts.append(f"proposed: {', '.join(alarm.advice)}")
    return clean("; ".join(part for part in parts if part))


def before_words(alarm: Alarm) -> str:
    """``14m 10s after 2026.11.7 by chen``; empty where no deployment is known."""
    if (before := alarm.before) is None:
        return ""
    by = f" by {before.deployment.who}" if before.deployment.who else ""
    kind = "canary " if before.deployment.canary else ""
    return f"{duration(before.seconds)} after {kind}{before.deployment.version}{by}"


def merged(alarms: Iterable[Alarm]) -> str:
    """All of them in one text, the first few named."""
    told = tuple(alarms)
    if len(told) == 1:
        return sentence(told[0])
    names = [f"{each.name} {each.state.value}: {each.subject}" for each in told[:_NAMED]]
    more = [f"{len(told) - _NAMED} more"] if len(told) > _NAMED else []
    return clean(f"{count(len(told), 'alarm')}: {', '.join((*names, *more))}")


class Notices:
    """Sends them.

    Args:
        channels: by which ways an alarm is to be told.
        failed: hears, in words, of one that could not be sent.
    """

    def __init__(
        self,
        settings: NoticeSettings,
        clock: Callable[[], float],
        later: "Callable[[float, Callable[[], None]], Timer]",
        channels: Callable[[Alarm], Iterable[Channel]],
        failed: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._later = later
        self._channels = channels
        self._failed = failed
        self._sent: list[float] = []
        self._waiting: dict[str, Alarm] = {}
        self._timer: Timer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_screen: Callable[[frozenset[Channel], str, bool], None] | None = None
        """What tells the person at the terminal: by ``app``, ``bell`` or ``desktop``, which text, and whether
        something fires."""

    def tell(self, alarms: Iterable[Alarm]) -> None:
        """Tell of these, together with others, in a moment, or as soon as that is not too often."""
        self._waiting |= {alarm.key: alarm for alarm in alarms}
        if self._timer is None:
            self._timer = self._later(GATHER, self._flush)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def finish(self) -> None:
        """Wait for what is being sent."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _flush(self) -> None:
        now = self._clock()
        self._timer = None
        self._sent = [at for at in self._sent if now - at < 60]
        if not self._waiting:
            return
        if len(self._sent) >= self._settings.per_minute:
            self._timer = self._later(self._sent[0] + 60 - now, self._flush)
            return
        alarms, self._waiting = tuple(self._waiting.values()), {}
        if quiet(self._settings.quiet, now):
            return
        self._sent.append(now)
        self._send(alarms, now)

    def _send(self, alarms: tuple[Alarm, ...], now: float) -> None:
        by: dict[Channel, list[Alarm]] = {}
        for alarm in alarms:
            for channel in self._channels(alarm):
                by.setdefault(channel, []).append(alarm)
        screen: dict[tuple[str, ...], set[Channel]] = {}
        for channel in ("app", "bell", "desktop"):
            if channel in by:
                screen.setdefault(tuple(each.key for each in by[channel]), set()).add(channel)
        for channels in screen.values() if self.on_screen is not None else ():
            told = by[next(iter(channels))]
            fires = any(each.state is AlarmState.FIRING for each in told)
            assert self.on_screen is not None
            self.on_screen(frozenset(channels), merged(told), fires)
        if self._settings.command and "command" in by:
            self._start(self._run(notice_body(by["command"], now)))
        if self._settings.webhook is not None and "webhook" in by:
            self._start(self._post(notice_body(by["webhook"], now)))

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, body: bytes) -> None:
        command = self._settings.command
        try:
            code = await in_thread(partial(_call, command, body))
        except subprocess.TimeoutExpired:
            self._fail(f"the command {command[0]} did not end within {PATIENCE:.0f} s and was killed")
        except OSError as error:
            self._fail(f"the command {command[0]} could not be started: {error.strerror}")
        else:
            if code:
                self._fail(f"the command {command[0]} ended with {code}")

    async def _post(self, body: bytes) -> None:
        settings = self._settings
        assert settings.webhook is not None
        try:
            url = settings.webhook.reveal()
            headers = {name: secret.reveal() for name, secret in settings.webhook_headers.items()}
        except ConfigError as error:
            self._fail(f"the webhook was not called: {error}")
            return
        try:
            status = await in_thread(partial(_posted, url, headers, body))
        except Exception as error:  # httpx's texts may hold the url, which may hold a token
            self._fail(f"the webhook could not be called: {type(error).__name__}")
        else:
            if not 200 <= status < 300:
                self._fail(f"the webhook answered {status}")

    def _fail(self, words: str) -> None:
        words = shorten(clean(words), 200)
        _log.warning("notices: %s", words)
        self._failed(words)


def notice_body(alarms: Iterable[Alarm], at: float) -> bytes:
    return msgspec.json.encode(notice_document(alarms, at))


def _call(command: tuple[str, ...], body: bytes) -> int:
    """Run it, without a shell and without our terminal. A negative exit code is the signal that ended it."""
    return subprocess.run(
        command,
        input=body,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
        start_new_session=True,
    ).returncode


def _posted(url: str, headers: dict[str, str], body: bytes) -> int:
    """The status of the answer to the one request; no redirect is followed."""
    import httpx

    sent = {"Content-Type": "application/json", "User-Agent": "pipedeck", **headers}
    with httpx.stream("POST", url, content=body, headers=sent, timeout=PATIENCE) as response:
        return response.status_code
