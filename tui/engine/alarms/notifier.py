"""Notices: how alarms are told to somebody who is not looking. Not in quiet hours, and so many a minute at most."""

import asyncio
import logging
import os
import subprocess
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tui.config import ConfigError, NoticeSettings
from tui.config.alarms import Channel
from tui.domain.alarm import Alarm, AlarmState, Announcement
from tui.insight.alarms import quiet
from tui.presenters.alarm_documents import notice_document
from tui.text.format import count, duration, until
from tui.text.safe import clean, shorten
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.engine.polling.poller import Timer

PATIENCE = 10.0
"""Seconds that a command or a webhook may take."""
GATHER = 2.0
"""Seconds over which alarms are gathered for one notice: what breaks together is told together."""
_NAMED = 3
"""Alarms that one notice names."""

ENVIRONMENT = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "TERM",
        "TMUX",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XDG_RUNTIME_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
    }
)
"""What a command gets of the environment, with ``LC_*`` and what the config names: tokens are in there, too."""

AlarmNotice = Alarm | Announcement
_log = logging.getLogger(__name__)


def sentence(news: AlarmNotice, now: float) -> str:
    """One alarm in a line: what, since which deployment, and what is proposed; or what a policy says of one."""
    return announced(news, now) if isinstance(news, Announcement) else _alarm(news)


def announced(said: Announcement, now: float) -> str:
    """``policy go back for slow of fraud: in 10m: roll back to 2026.11.5 (…)``."""
    when = f"in {until(said.at - now)}: " if said.at is not None else ""
    no = "; the alarms pane is where to say no" if said.at is not None else ""
    return clean(f"{_head(said)}: {when}{said.words}{no}")


def _head(news: AlarmNotice) -> str:
    if isinstance(news, Announcement):
        return f"policy {news.policy} for {news.alarm} of {news.model}"
    return f"{news.name} {news.state.value}: {news.subject}"


def _alarm(alarm: Alarm) -> str:
    parts = [_head(alarm), alarm.words]
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


def merged(news: Iterable[AlarmNotice], now: float) -> str:
    """All of it in one text: what policies say, and the first few alarms by name."""
    told = tuple(news)
    if len(told) == 1:
        return sentence(told[0], now)
    said = [announced(each, now) for each in told if isinstance(each, Announcement)]
    alarms = [each for each in told if isinstance(each, Alarm)]
    if len(alarms) == 1:
        return clean(". ".join((*said, _alarm(alarms[0]))))
    names = [_head(each) for each in alarms[:_NAMED]]
    more = [f"{len(alarms) - _NAMED} more"] if len(alarms) > _NAMED else []
    counted = [f"{count(len(alarms), 'alarm')}: {', '.join((*names, *more))}"] if alarms else []
    return clean(". ".join((*said, *counted)))


class Notifier:
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
        channels: Callable[[AlarmNotice], Iterable[Channel]],
        failed: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._later = later
        self._channels = channels
        self._failed = failed
        self._sent: list[float] = []
        self._waiting: dict[str, AlarmNotice] = {}
        self._timer: Timer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_screen: Callable[[frozenset[Channel], str, bool], None] | None = None
        """What tells the person at the terminal: by ``app``, ``bell`` or ``desktop``, which text, and whether
        something fires."""

    def tell(self, news: Iterable[AlarmNotice]) -> None:
        """Tell of these, together with others, in a moment, or as soon as that is not too often."""
        self._waiting |= {_key(each): each for each in news}
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
        news, self._waiting = tuple(self._waiting.values()), {}
        if quiet(self._settings.quiet, now):
            return
        self._sent.append(now)
        self._send(news, now)

    def _send(self, news: tuple[AlarmNotice, ...], now: float) -> None:
        by: dict[Channel, list[AlarmNotice]] = {}
        for each in news:
            for channel in self._channels(each):
                by.setdefault(channel, []).append(each)
        screen: dict[tuple[str, ...], set[Channel]] = {}
        for channel in ("app", "bell", "desktop"):
            if channel in by:
                screen.setdefault(tuple(map(_key, by[channel])), set()).add(channel)
        for channels in screen.values() if self.on_screen is not None else ():
            told = by[next(iter(channels))]
            assert self.on_screen is not None
            self.on_screen(frozenset(channels), merged(told, now), any(map(_grave, told)))
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
            code = await in_thread(partial(_call, command, body, self._settings.command_env))
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


def notice_body(news: Iterable[AlarmNotice], at: float) -> bytes:
    told = tuple(news)
    alarms = (each for each in told if isinstance(each, Alarm))
    said = (each for each in told if isinstance(each, Announcement))
    return msgspec.json.encode(notice_document(alarms, said, at))


def _key(news: AlarmNotice) -> str:
    return f"policy {news.policy}" if isinstance(news, Announcement) else news.key


def _grave(news: AlarmNotice) -> bool:
    """Something fires, or is about to be done."""
    return news.at is not None if isinstance(news, Announcement) else news.state is AlarmState.FIRING


def _call(command: tuple[str, ...], body: bytes, more: tuple[str, ...]) -> int:
    """Run it, without a shell, our terminal and most of our environment. A negative exit code is the signal that ended
    it."""
    kept = ENVIRONMENT.union(more)
    return subprocess.run(
        command,
        input=body,
        env={name: value for name, value in os.environ.items() if name in kept or name.startswith("LC_")},
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
