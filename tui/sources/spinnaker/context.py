"""What the rooms of the source share: who it is, how it asks, and what the pipelines are called."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from tui.config import SpinnakerSettings
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.spinnaker.client import Gate
from tui.sources.spinnaker.payload import EXECUTION, Config, Execution
from tui.text.safe import clean

_PAGE = re.compile(r"!?/?applications/[^/?]+/executions/(?:details/)?(?P<id>[0-9A-Za-z-]{26,36})(?:[/?].*)?")


async def _nowhere(url: str) -> Address | None:
    return None


class Context:
    """One Gate.

    Args:
        name: the source's.
    """

    def __init__(
        self, name: str, settings: SpinnakerSettings, gate: Gate, clock: Callable[[], float]
    ) -> None:
        self.name = name
        self.settings = settings
        self.gate = gate
        self.clock = clock
        self.address_of: Callable[[str], Awaitable[Address | None]] = _nowhere
        """The run of a configured source whose page a url is."""
        self.configs: dict[str, Config] = {}
        """Those that were read last, by id: of all watched pipelines, disabled ones too."""

    # --- names ------------------------------------------------------------------------------------------------------

    def pipeline(self, config: Config) -> Address:
        return self._at(config.application, config.name)

    def of_execution(self, execution: Execution) -> Address:
        """A run's address: by the id of its definition, which may have been renamed since it ran."""
        config = self.configs.get(execution.pipeline_config_id or "")
        if config is not None:
            return self.pipeline(config).at_run(clean(execution.id))
        return self._at(execution.application, execution.name or execution.description).at_run(
            clean(execution.id)
        )

    def called(self, config_id: str, application: str, name: str) -> Address:
        """The address of a pipeline that something else names."""
        config = self.configs.get(config_id)
        return self.pipeline(config) if config is not None else self._at(application, name)

    def config_of(self, path: str) -> Config:
        """The definition of the pipeline of that path.

        Raises:
            SourceError: none that is watched is called so.
        """
        for config in self.configs.values():
            if self.pipeline(config).path == path:
                return config
        raise SourceError(
            Trouble.NOT_FOUND, f"{self.name}: there is no pipeline {clean(path)} among those that are watched"
        )

    def _at(self, application: str | None, name: str | None) -> Address:
        # A name may end in blanks, which an address need not: its definition is found by id.
        return Address(self.name, f"{clean(application or '?').strip()}/{clean(name or '?').strip() or '?'}")

    # --- reading ----------------------------------------------------------------------------------------------------

    async def execution(self, run: Address) -> Execution:
        """All of one execution.

        Raises:
            SourceError: it cannot be read, or it is one of another application.
        """
        if not isinstance(run.run, str) or not run.run:
            raise SourceError(
                Trouble.NOT_FOUND, f"{run} names no run by its id; write {run.pipeline}#ID (01J…)"
            )
        found = await self.gate.get(f"/pipelines/{quote(run.run, safe='')}", EXECUTION)
        application = clean(found.application or "").strip()
        if application.lower() != run.path.partition("/")[0].lower():
            raise SourceError(
                Trouble.NOT_FOUND,
                f"{run} is no run of that pipeline: it is one of the application {application}",
            )
        return found

    # --- pages ------------------------------------------------------------------------------------------------------

    def page(self, application: str | None, execution: str = "", stage: int | None = None) -> str:
        """Deck's page of it; empty where the config does not tell where Deck is (contracts: spinnaker §6.6)."""
        if not self.settings.web_url or not application:
            return ""
        page = f"{self.settings.web_url.rstrip('/')}/#/applications/{quote(application, safe='')}/executions"
        if not execution:
            return page
        page = f"{page}/details/{quote(execution, safe='')}"
        return page if stage is None else f"{page}?stage={stage}&step=0"

    async def address_of_page(self, url: str) -> Address | None:
        """What a page of Deck's shows: an execution, which is asked for to know of which pipeline it is.

        Raises:
            SourceError
        """
        page = _PAGE.fullmatch(urlsplit(url).fragment)
        if page is None:
            return None
        found = await self.gate.get(f"/pipelines/{page['id']}", EXECUTION)
        return self.of_execution(found)
