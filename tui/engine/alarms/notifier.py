"""Notices: how alarms are told to somebody who is not looking. Not in quiet hours, and so many a minute at most."""

import asyncio
import logging
import os
import subprocess
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from tui.config import ConfigError, NoticeSettings
from tui.config.alarms import Channel
from tui.domain.alarm import Alarm, AlarmState, Announcement
from tui.insight.alarms import quiet
from tui.text.safe import clean, shorten
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.engine.polling.poller import Timer

PATIENCE = 10.0
"""Seconds that a command or a webhook may take."""
GATHER = 2.0
"""Seconds over which alarms are gathered for one notice: what breaks together is told together."""

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


class NoticeFormatter(Protocol):
    """How notices are put into words. The presenters do it; whoever makes the runtime hands it in."""

    def text(self, notices: Sequence[AlarmNotice], now: float) -> str:
        """All of them in one text, for a person."""

    def document(self, notices: Sequence[AlarmNotice], at: float) -> bytes:
        """All of them as JSON, for the command and the webhook."""


class Notifier:
    """Sends them.

    Args:
        formatter: puts them into words; None: nobody is told.
        channels: by which ways an alarm is to be told.
        failed: hears, in words, of one that could not be sent.
    """

    def __init__(
        self,
        settings: NoticeSettings,
        formatter: NoticeFormatter | None,
        clock: Callable[[], float],
        later: "Callable[[float, Callable[[], None]], Timer]",
        channels: Callable[[AlarmNotice], Iterable[Channel]],
        failed: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._formatter = formatter
        self._clock = clock
        self._begun = clock()
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
        self._waiting |= {_key(new): new for new in news}
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
        if self._formatter is not None:
            self._send(news, self._formatter, now)

    def _send(self, news: tuple[AlarmNotice, ...], formatter: NoticeFormatter, now: float) -> None:
        by: dict[Channel, list[AlarmNotice]] = {}
        for new in news:
            for channel in self._channels(new):
                by.setdefault(channel, []).append(new)
        screen: dict[tuple[str, ...], set[Channel]] = {}
        for channel in ("app", "bell", "desktop"):
            by[channel] = [new for new in by.get(channel, ()) if not self._is_old(new)]
            if by[channel]:
                screen.setdefault(tuple(map(_key, by[channel])), set()).add(channel)
        for channels in screen.values() if self.on_screen is not None else ():
            messages = by[next(iter(channels))]
            assert self.on_screen is not None
            self.on_screen(frozenset(channels), formatter.text(messages, now), any(map(_grave, messages)))
        if self._settings.command and "command" in by:
            self._start(self._run(formatter.document(by["command"], now)))
        if self._settings.webhook is not None and "webhook" in by:
            self._start(self._post(formatter.document(by["webhook"], now)))

    def _is_old(self, news: AlarmNotice) -> bool:
        """It fired before the start: whoever looks at the screen sees it there."""
        return isinstance(news, Alarm) and news.state is AlarmState.FIRING and news.since < self._begun

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
