"""What a person writes where an ADDRESS is wanted: one of ours, or the web address of a page of a server."""

from collections.abc import Awaitable, Callable

from tui.commands.exit_codes import Exit
from tui.commands.frame import with_runtime
from tui.config import Settings
from tui.domain.address import Address, AddressError, parse_address
from tui.engine.runtime import Runtime
from tui.sources.base import WebSource
from tui.text.safe import clean


async def at_address(settings: Settings, text: str, work: Callable[[Address], Awaitable[Exit]]) -> Exit:
    """Do ``work`` with the address that ``text`` means.

    Raises:
        AddressError: it means none.
    """
    if not _is_web(text):
        return await work(parse_address(text))
    found: list[Address] = []

    async def look(runtime: Runtime) -> Exit:
        found.append(await read_address(runtime, text))
        return Exit.OK

    code = await with_runtime(settings, look)
    return await work(found[0]) if found else code


async def read_address(runtime: Runtime, text: str) -> Address:
    """The address that ``text`` means; some pages tell only a number, and their server is asked what that is.

    Raises:
        AddressError: it means none.
        SourceError: the server knows no such thing, or could not be asked.
    """
    if not _is_web(text):
        return parse_address(text)
    name = _source_of(runtime, text)
    source = await runtime.sources.get(name, WebSource)
    address = await source.address_of(text)
    if address is None:
        raise AddressError(
            f"{clean(text)} is no page of a pipeline, a run, a job or an environment of {name}"
        )
    return address


def _is_web(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _source_of(runtime: Runtime, text: str) -> str:
    """Whose page it is."""
    try:
        name = runtime.sources.at_url(text)
    except ValueError as error:
        raise AddressError(f"{clean(text)} is no web address: {error}") from None
    if name is None:
        settings = runtime.settings
        known = ", ".join(f"{name} {settings.sources[name].pages_url}" for name in settings.pipeline_sources)
        raise AddressError(f"{clean(text)} is at no server of the config; it has: {known or 'none'}")
    return name
