"""Which run of another system, or of Spinnaker, a stage has started (contracts: spinnaker §6.4, §6.5)."""

import msgspec

from tui.domain.address import Address
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import Stage, at, number, text
from tui.text.safe import clean

BUILDS = ("jenkins", "travis", "wercker", "script", "gitlabCi")


class Link(msgspec.Struct, frozen=True):
    run: Address | None
    """None: it is at no configured source."""
    url: str = ""
    name: str = ""


async def link_of(stage: Stage, context: Context) -> Link | None:
    """What ``stage`` has started; None: nothing, or nothing that is known of yet."""
    values = stage.values
    if stage.type == "pipeline":
        id_ = text(values, "executionId")
        if not id_:
            return None
        pipeline = context.called(
            text(values, "pipeline"),
            text(values, "application") or text(values, "executionApplication"),
            text(values, "executionName") or text(values, "pipeline"),
        )
        return Link(pipeline.at_run(id_), name=pipeline.path)
    if stage.type not in BUILDS and not isinstance(at(values, "buildInfo"), dict):
        return None
    url = text(values, "buildInfo", "url")
    job = text(values, "job")
    built = number(values, "buildNumber") or number(values, "buildInfo", "number")
    run = await context.address_of(url) if url else None
    master = context.settings.masters.get(text(values, "master"))
    if run is None and master is not None and job and built is not None:
        # Igor may call a job in a folder as its url does.
        run = Address(master, job.replace("/job/", "/"), int(built))
    if run is None and not url:
        return None
    return Link(run, url, str(run) if run is not None else clean(f"{job or 'build'} #{built or '?'}"))
