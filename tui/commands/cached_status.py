"""``pipedeck status --cached``: the pipelines as they were last read. No server is asked."""

import time

from tui.commands.exit_codes import Exit
from tui.commands.frame import complain, print_document
from tui.config import Settings
from tui.domain.pipeline import Listing
from tui.engine.cache.disk import disk_cache_for
from tui.engine.cache.runs import kept_listing
from tui.text import format as fmt


def cached_status(settings: Settings, *, as_json: bool) -> Exit:
    """Print the list as the deck or ``status`` last read it, and how long ago that was for each source."""
    history, now = disk_cache_for(settings), time.time()
    kept: dict[str, Listing] = {}
    read_at: dict[str, float] = {}
    for name in settings.pipeline_sources:
        found = kept_listing(history, settings, name) if history is not None else None
        if found is None:
            complain(f"{name}: no list of it is kept here; `pipedeck status` reads and keeps it")
        else:
            kept[name], read_at[name] = found
    if as_json:
        from tui.presenters.documents import SCHEMA, StatusDoc, source_document

        sources = (
            source_document(name, kept.get(name), read_at.get(name)) for name in settings.pipeline_sources
        )
        print_document(StatusDoc(SCHEMA, now, tuple(sources)))
    elif kept:
        from tui.presenters.plain_text import listing_text

        ages = (f"{name} as it was {fmt.ago(now - at)} ago, {fmt.clock(at)}" for name, at in read_at.items())
        print("; ".join(ages))
        # Each as it was then: what went on may have ended since.
        print(listing_text(kept, read_at.__getitem__))
    for name, listing in kept.items():
        for note in listing.notes:
            complain(f"{name}: {note}")
    return Exit.OK if len(kept) == len(settings.pipeline_sources) else Exit.UNREACHABLE
