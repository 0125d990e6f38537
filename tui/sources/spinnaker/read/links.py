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
    told = stage.told
    if stage.type == "pipeline":
        id_ = text(told, "executionId")
        if not id_:
            return None
        pipeline = context.called(
            text(told, "pipeline"),
            text(told, "application") or text(told, "executionApplication"),
            text(told, "executionName") or text(told, "pipeline"),
        )
        return Link(pipeline.at_run(id_), name=pipeline.path)
    if stage.type not in BUILDS and not isinstance(at(told, "buildInfo"), dict):
        return None
    url = text(told, "buildInfo", "url")
    job = text(told, "job")
    built = number(told, "buildNumber") or number(told, "buildInfo", "number")
    run = await context.address_of(url) if url else None
    master = context.settings.masters.get(text(told, "master"))
    if run is None and master is not None and job and built is not None:
        # Igor may call a job in a folder as its url does.
        run = Address(master, job.replace("/job/", "/"), int(built))
    if run is None and not url:
        return None
    return Link(run, url, str(run) if run is not None else clean(f"{job or 'build'} #{built or '?'}"))
