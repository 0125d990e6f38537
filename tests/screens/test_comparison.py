"""What changed of a model, side by side."""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.screens.test_deck import Deck, deck
from tui.domain.candidate import RegisteredVersion
from tui.domain.model_comparison import Difference, Group, ModelComparison, Standing, VersionRecord
from tui.domain.verdict import MetricOutcome
from tui.engine.queries import ComparisonOf
from tui.screens.comparison import ComparisonSheet
from widgets.cells import pieces

REGISTRY = '[models.fraud.registry]\nsource = "gitlab"\nmodel = "ml/fraud:fraud"\nmetrics = {}\n'


def difference(group: Group, name: str, old: str, new: str, change: str = "", **more: object) -> Difference:
    standing = Standing.SAME if old == new else Standing.DIFFERS
    fields: dict[str, object] = {"standing": standing, **more}
    return Difference(group=group, name=name, deployed=old, candidate=new, change=change, **fields)  # type: ignore[arg-type]


def record(version: str) -> VersionRecord:
    return VersionRecord(version=RegisteredVersion("fraud", version))


FOUND = ModelComparison(
    model="fraud",
    deployed=record("1.0.0"),
    candidate=record("2.0.0"),
    basis=("by the commit", "the newest version"),
    differences=(
        difference(
            Group.METRICS,
            "val_loss",
            "0.3412",
            "0.3581",
            "+0.0169, 0.01 worse is allowed",
            outcome=MetricOutcome.WORSE,
        ),
        difference(Group.METRICS, "val_auc", "0.91", "0.93", "+0.02", outcome=MetricOutcome.BETTER),
        difference(Group.DATA, "data", "not recorded", "not recorded", standing=Standing.UNKNOWN),
        difference(Group.PARAMETERS, "features", "v1 " + "and more " * 20, "v2"),
        difference(Group.PARAMETERS, "max_depth", "6", "6"),
        difference(Group.SIGNATURE, "inputs", "8 columns", "9 columns", "+ f8 long, required", marked=True),
        difference(Group.ENVIRONMENT, "numpy", "1.26.4", "1.26.4"),
    ),
    notes=("version 1.0.1 was registered after 2.0.0, which is the highest",),
)


async def opened(work: Deck) -> ComparisonSheet:
    await work.press("j")
    work.app.runtime.store.put(ComparisonOf("fraud"), FOUND, work.time.now)
    await work.press("D")
    sheet = work.app.screen
    assert isinstance(sheet, ComparisonSheet)
    return sheet


def whats(sheet: ComparisonSheet) -> list[str]:
    return ["".join(text for text, _ in pieces(row.cells[1])) for row in sheet.table.rows]


@pytest.mark.parametrize("size", [(80, 24), (110, 30)], ids=str)
async def test_the_comparison_in_two_sizes(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with deck(size, REGISTRY) as work:
        await opened(work)
        assert work.text == snapshot


async def test_what_is_the_same_is_folded_and_a_row_shows_whole_values() -> None:
    async with deck((110, 30), REGISTRY) as work:
        sheet = await opened(work)
        assert whats(sheet) == [
            "Metrics  1 worse, 2 differ",
            "val_loss",
            "val_auc",
            "Data  1 not known",
            "data",
            "Parameters  1 differs, 1 same",
            "features",
            "Signature  1 differs",
            "inputs",
            "version 1.0.1 was registered after 2.0.0, which is the highest",
        ]
        await work.press("o")
        assert "max_depth" in whats(sheet)
        assert "Environment  1 same" in whats(sheet)
        await work.press("o", "enter")
        assert whats(sheet)[:2] == ["Metrics  1 worse, 2 differ", "Data  1 not known"]
        await work.press("enter", "j", "enter")
        assert "0.01 worse is allowed" in work.text
        await work.press("escape", "escape")
        assert work.app.screen is work.screen


async def test_what_cannot_be_compared_says_why() -> None:
    async with deck((110, 30), REGISTRY) as work:
        await work.press("j", "D")
        assert isinstance(work.app.screen, ComparisonSheet)
        assert work.app.screen.table.empty == "the source gitlab has no registry of models"
    async with deck((110, 30)) as work:
        await work.press("j", "D")
        assert "No registry has this model." in work.text
