"""The settings of the third CI. What its traits do not say, the safe defaults of all servers decide."""

from typing import ClassVar

from tui.config import Secret, ServerSettings


class ThirdSettings(ServerSettings, frozen=True, kw_only=True, tag="thirdci"):
    runs_pipelines: ClassVar[bool] = True
    takes_actions: ClassVar[bool] = True

    token: Secret | None = None
    read_only: bool = False

    @property
    def writes_forbidden(self) -> bool:
        return self.read_only
