"""The deck opened at an address: it goes there when that is listed, and tells when it never is."""

import pytest

from tests.screens.test_deck import deck


@pytest.mark.parametrize("size", [(80, 24), (160, 40)], ids=str)
async def test_it_goes_to_a_run_and_to_its_job_when_that_has_been_read(size: tuple[int, int]) -> None:
    async with deck(size, at="gitlab:ml/fraud#9/canary") as work:
        await work.settle()
        assert work.screen.current == "stages"
        assert str(work.screen.selection.target) == "gitlab:ml/fraud#9/canary"
        assert work.screen.selection.pipeline is not None
        await work.press("k")
        assert str(work.screen.selection.run_address) == "gitlab:ml/fraud#9"
        assert str(work.screen.selection.target) != "gitlab:ml/fraud#9/canary", "the cursor is the person's"


async def test_it_goes_to_a_gate() -> None:
    async with deck(at="jenkins:deploy#7!Promote") as work:
        await work.settle()
        assert work.screen.current == "gates"
        assert str(work.screen.selection.target) == "jenkins:deploy#7!Promote"


async def test_what_is_not_watched_is_told() -> None:
    async with deck(at="jenkins:elsewhere#1") as work:
        assert "jenkins:elsewhere is not among the watched pipelines." in work.text
