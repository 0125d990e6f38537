"""What a word looks like: the glyph and colour role of each status, and the roles as component classes.

A role is a name (``failed``, ``dim``) that each widget turns into the component class ``role--NAME``, so that
colours come from the theme in use and a user's CSS can change them. No meaning is in a colour alone: the glyphs
differ in shape, and the ones who show them show the word too.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme
from textual.widget import Widget


class StatusStyle(NamedTuple):
    """How a status is shown."""

    glyph: str
    """One character, one cell wide in every terminal: not an emoji, nor of East Asian ambiguous width."""
    role: str


STATUS: Final[Mapping[str, StatusStyle]] = MappingProxyType(
    {
        "queued": StatusStyle("◦", "queued"),
        "running": StatusStyle("»", "running"),
        "waiting": StatusStyle("◊", "waiting"),
        "passed": StatusStyle("✓", "passed"),
        "warning": StatusStyle("!", "warning"),
        "failed": StatusStyle("✗", "failed"),
        "canceled": StatusStyle("⊘", "canceled"),
        "skipped": StatusStyle("-", "skipped"),
        "unknown": StatusStyle("?", "unknown"),
        "stale": StatusStyle("~", "stale"),
    }
)

CRITICAL: Final = "•"
"""Before what is on the critical path."""
OPEN: Final = "▾"
CLOSED: Final = "▸"
"""Before the name of a group whose rows are shown, or not."""


def status_style(status: str) -> StatusStyle:
    """How to show ``status``; a word nobody knows is shown as unknown."""
    return STATUS.get(status, STATUS["unknown"])


# What text of a role is drawn with. `$text-*` are the theme's own colours made legible on its background; under
# an ansi theme they are the terminal's. `dim` is an attribute, so that it works without colours.
_ROLES: Final = {
    "queued": "color: $foreground",
    "running": "color: $text-primary; text-style: bold",
    "waiting": "color: $text-warning; text-style: bold",
    "passed": "color: $text-success",
    "warning": "color: $text-warning",
    "failed": "color: $text-error; text-style: bold",
    "canceled": "text-style: dim",
    "skipped": "text-style: dim",
    "unknown": "text-style: italic",
    "stale": "text-style: dim italic",
    "dim": "text-style: dim",
    "strong": "text-style: bold",
    "accent": "color: $text-accent",
    "key": "color: $text-accent; text-style: bold",
    "here": "text-style: bold reverse",
}

EXCEPTIONS_CSS: Final = ".-theme-ansi-light .role--waiting { color: ansi_magenta; }"
"""Where the theme's own colours of two roles are the same; for the CSS of the application, as that of a widget hears
of nothing that it is in."""

_LIGHT = BUILTIN_THEMES["ansi-light"]
THEMES: Final = (
    Theme(
        name="high-contrast",
        primary="#6FC8FF",
        secondary="#FFFFFF",
        warning="#FFFF00",
        error="#FF6A6A",
        success="#4DFF4D",
        accent="#FFB000",
        foreground="#FFFFFF",
        background="#000000",
        surface="#000000",
        panel="#1C1C1C",
        dark=True,
    ),
    # The colours of Okabe and Ito, which people tell apart whatever colours they see: blue, orange, vermilion, green.
    Theme(
        name="colour-blind",
        primary="#56B4E9",
        secondary="#CC79A7",
        warning="#F0E442",
        error="#E8702A",
        success="#00B386",
        accent="#E69F00",
        foreground="#F2F2F2",
        background="#101418",
        surface="#181D22",
        panel="#20262C",
        dark=True,
    ),
    # Its own warnings are red, as what failed is.
    Theme(
        name="ansi-light",
        ansi=True,
        dark=False,
        primary=_LIGHT.primary,
        secondary=_LIGHT.secondary,
        warning="ansi_yellow",
        error=_LIGHT.error,
        success=_LIGHT.success,
        accent=_LIGHT.accent,
        foreground=_LIGHT.foreground,
        background=_LIGHT.background,
        surface=_LIGHT.surface,
        panel=_LIGHT.panel,
        boost=_LIGHT.boost,
        variables=_LIGHT.variables,
    ),
)
"""Beside those of Textual."""

ROLE_CLASSES: Final = {f"role--{role}" for role in _ROLES}
"""For the ``COMPONENT_CLASSES`` of a widget that draws roles."""


def role_css(widget: str) -> str:
    """CSS of all roles, for the ``DEFAULT_CSS`` of the widget class named ``widget``."""
    rules = "\n".join(f"    & > .role--{role} {{ {css}; }}" for role, css in _ROLES.items())
    return f"{widget} {{\n{rules}\n}}\n"


def role_style(widget: Widget, role: str) -> Style:
    """What ``role`` adds to the style beneath it in ``widget``; nothing for a role nobody knows."""
    if not role:
        return Style.null()
    return widget.get_component_rich_style(f"role--{role}", partial=True, default=Style.null())
