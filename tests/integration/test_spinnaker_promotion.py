"""A promotion on the sandbox's Spinnaker: its own verdict counts, also where nobody else judges."""

from pathlib import Path

import pytest

from tests.conformance.vendors import UNREAD
from tests.sandbox.serving import serving
from tui.cli import main
from tui.sandbox.faults import Faults
from tui.sandbox.scenario import tour
from tui.sandbox.spinnaker import Options, spinnaker_app
from tui.sandbox.world import Clock, World

CONFIG = """
[sources.spinnaker]
type = "spinnaker"
url = "{url}/gate"
token = "spk_sandbox"
watch = ["ranking"]
[sources.spinnaker.environments.production]
application = "ranking"
cluster = "deployment ranking"
canary = "deployment ranking-canary"
[models.ranking]
pipelines = ["spinnaker:ranking/Deploy*"]
environment = "production"
"""
PROMOTE = ("promote", "ranking", "--yes", "--confirm", "production")


@pytest.mark.parametrize(
    ("scores", "kayenta", "judge", "doubt"),
    [
        ((96, 91), True, "", ""),
        ((96, 40), True, "", "the verdict is DO NOT PROMOTE"),
        ((96, 60), True, "", "the verdict is WAIT"),
        ((96, 40), True, 'metrics = ["quality"]\n', "the verdict could not be read"),
        ((96, 91), False, "", ""),  # without its documents the scores of the stages count
    ],
)
def test_a_canary_that_kayenta_is_against_is_asked_about_once_more(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    scores: tuple[float, ...],
    kayenta: bool,
    judge: str,
    doubt: str,
) -> None:
    world, faults = World(tour(), Clock(1_790_000_000.0, manual=True)), Faults()
    options = Options(token="spk_sandbox", scores=scores, kayenta=kayenta)
    with serving(spinnaker_app(world, faults, options)) as url:
        file = tmp_path / "config.toml"
        file.write_text(CONFIG.replace("{url}", url) + judge + (UNREAD if judge else ""), encoding="utf-8")
        file.chmod(0o600)
        code = main(["--config", str(file), *PROMOTE])
        told = "".join(capsys.readouterr())
    assert (doubt in told, code, len(faults.writes)) == (True, 4 if doubt else 0, 0 if doubt else 1), told
