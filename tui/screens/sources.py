"""What is known of each source, one key away."""

from tui.domain.health import LONG_PAUSE
from tui.engine.queries import PipelinesOf
from tui.engine.runtime import Runtime
from tui.engine.source_pool import SKEW_NOTICED
from tui.text import format as fmt
from widgets.dialog.help_sheet import Section


def source_sections(runtime: Runtime) -> list[Section]:
    """For each source a title and lines of what is known."""
    sections: list[Section] = []
    now = runtime.clock()
    for name, table in runtime.settings.sources.items():
        facts = runtime.sources.facts(name)
        lines = [("address", facts.url)]
        if facts.version:
            lines.append(("version", facts.version))
        if table.runs_pipelines:
            reading = runtime.store.get(PipelinesOf(name))
            if reading.fault is not None:
                lines.append(("trouble", f"{reading.fault.trouble.value}: {reading.fault.message}"))
                if reading.fault.retry_at is not None:
                    pause = reading.fault.retry_at - now
                    early = ", or once earlier with the key that refreshes" if pause > LONG_PAUSE else ""
                    lines.append(("asked again", f"in {fmt.elapsed(pause)}{early}"))
            if reading.value is not None and reading.read_at is not None:
                number = fmt.count(len(reading.value.pipelines), "pipeline")
                lines.append(("last read", f"{fmt.clock(reading.read_at)}, {number}"))
                lines += [("note", note) for note in reading.value.notes]
        if facts.user:
            lines.append(("user", facts.user))
        if facts.read_only:
            lines.append(("rights", "read only"))
        if facts.stage_source:
            lines.append(("stages from", facts.stage_source))
        if facts.clock_skew is not None and abs(facts.clock_skew) > SKEW_NOTICED:
            ahead = "ahead of" if facts.clock_skew > 0 else "behind"
            ignored = "; not used for ages" if runtime.sources.clock_is_wrong(name) else ""
            lines.append(("clock", f"{fmt.duration(abs(facts.clock_skew))} {ahead} this machine's{ignored}"))
        minutes = max(1.0, (now - runtime.started_at) / 60)
        lines.append(
            (
                "requests",
                f"{facts.requests} ({facts.requests / minutes:.0f} a minute), {_size(facts.bytes_read)} read",
            )
        )
        if facts.rate_limit:
            lines.append(("rate limit", facts.rate_limit))
        sections.append((f"{name} ({facts.type})", lines))
    return sections


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
