"""Numbers of a JSON document by their pointers."""

from typing import Any

import pytest

from tests.http_stub import Reply, http_stub
from tui.config import JsonSettings
from tui.domain.health import Trouble
from tui.domain.query_template import fill
from tui.domain.series import Grid, Samples
from tui.sources.base import SourceError
from tui.sources.metrics.json_document import JsonSource

NOW = 1_795_422_000
DOCUMENT = {
    "models": [
        {"name": "fraud", "auc": 0.93, "text": "0.5", "odd": "NaN", "none": None, "no": True, "off": False}
    ],
    "rows": [
        7,
        {"model": "fraud", "version": "1", "auc": 0.9, "[x=y]": 5},
        {"model": "fraud", "version": 2, "auc": 0.8},
        {"model": "a/b", "auc": 0.7},
        {"model": ["fraud"]},
    ],
    "a/b": {"m~n": 3},
    "": 1,
}


async def ask(query: str, document: Any = DOCUMENT, **settings: Any) -> Samples:
    with http_stub({"GET /latest.json": Reply.json(document)}) as stub:
        source = JsonSource("m", JsonSettings(url=f"{stub.url}/latest.json", **settings), clock=lambda: NOW)
        try:
            return await source.samples(query, Grid(NOW - 60, NOW, 60))
        finally:
            await source.close()


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/models/0/auc", 0.93),
        ("/models/0/text", 0.5),
        ("/models/0/odd", None),
        ("/a~1b/m~0n", 3.0),
        ("/", 1.0),
        ("/models/0/no", 1.0),
        ("/models/0/off", 0.0),
        ("/models/[name=fraud]/auc", 0.93),
        ("/models/[no=true]/auc", 0.93),
        ("/rows/[model=fraud][version=2]/auc", 0.8),
        ("/rows/[version=2]/auc", 0.8),
        ("/rows/[model=a~1b]/auc", 0.7),
        ("/rows/[model=fraud][version=1]/[x=y]", 5.0),
    ],
)
async def test_a_pointer_leads_to_a_number(pointer: str, value: float | None) -> None:
    ((_, values),) = (await ask(pointer)).rows
    assert values[-1] == value


async def test_null_is_no_value() -> None:
    assert (await ask("/models/0/none")).rows == ()


async def test_pythons_nan_and_infinity_are_gaps_and_refuse_nothing() -> None:
    document = {"drift": float("nan"), "most": float("inf"), "least": float("-inf"), "auc": 0.9}
    for pointer in ("/drift", "/most", "/least"):
        answer = await ask(pointer, document)
        assert answer.rows == (((), (None, None)),)
        assert "1 of 1 values are NaN or infinite, drawn as gaps" in answer.notes
    ((_, values),) = (await ask("/auc", document)).rows
    assert values[-1] == 0.9


@pytest.mark.parametrize("body", ["{NaN", "<html>NaN</html>", "[" * 100_000 + "NaN"])
async def test_what_is_no_document_stays_none(body: str) -> None:
    with http_stub({"GET /": Reply.text(body, content_type="application/json")}) as stub:
        source = JsonSource("m", JsonSettings(url=f"{stub.url}/"), clock=lambda: NOW)
        with pytest.raises(SourceError) as caught:
            await source.samples("/x", Grid(NOW - 60, NOW, 60))
        await source.close()
    assert caught.value.trouble is Trouble.WRONG_ANSWER


async def test_what_is_asked_has_its_parameters() -> None:
    with http_stub({"GET /latest.json": Reply.json({"x": 1})}) as stub:
        source = JsonSource(
            "m", JsonSettings(url=f"{stub.url}/latest.json", parameters={"team": "ml", "all": True})
        )
        await source.samples("/x", Grid(0, 60, 60))
        await source.close()
        assert stub.requests[0].query == {"team": ["ml"], "all": ["true"]}


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("models", "a query is a JSON pointer such as /quality/auc, not models"),
        ("/models/1/auc", "the document has no /models/1/auc: nothing at /models is called 1"),
        ("/nope", "nothing at / is called nope"),
        ("/models/0", "at /models/0 there is no number"),
        ("/models/[name=other]/auc", "at /models no item is [name=other]"),
        ("/rows/[model=fraud]/auc", "at /rows 2 items are [model=fraud]"),
        ("/models/[name]/auc", "nothing at /models is called [name]"),
        ("/a~1b/[m=1]", "nothing at /a~1b is called [m=1]"),
        ("/models/²/auc", "nothing at /models is called ²"),
        ("/models/0/name", "at /models/0/name there is no number"),
    ],
)
async def test_a_pointer_to_no_number_is_refused(pointer: str, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        await ask(pointer)
    assert caught.value.trouble is Trouble.REFUSED
    assert words in caught.value.message


async def test_a_version_chooses_an_item_whatever_is_in_it() -> None:
    pointer = fill("/[version={version}]/auc", {"version": "feature/a=b"}, "pointer")
    ((_, values),) = (await ask(pointer, [{"version": "feature/a=b", "auc": 0.9}])).rows
    assert values[-1] == 0.9


async def test_a_version_with_a_slash_stays_one_step() -> None:
    pointer = fill("/{version}/auc", {"version": "feature/a~b"}, "pointer")
    ((_, values),) = (await ask(pointer, {"feature/a~b": {"auc": 0.9}})).rows
    assert values[-1] == 0.9


async def test_the_past_is_what_was_seen() -> None:
    now = float(NOW)
    with http_stub(
        {
            "GET /": [
                Reply.json({"x": 1}),
                Reply.text("<html>", content_type="text/html"),
                Reply.json({"x": 2}),
            ]
        }
    ) as stub:
        source = JsonSource("m", JsonSettings(url=f"{stub.url}/"), clock=lambda: now)
        await source.samples("/x", Grid(NOW, NOW + 300, 60))
        now += 60
        with pytest.raises(SourceError, match="web page instead of JSON"):
            await source.samples("/x", Grid(NOW, NOW + 300, 60))
        now += 180
        answer = await source.samples("/x", Grid(NOW, NOW + 300, 60))
        await source.close()
    # Held for two minutes at most: then nobody knows.
    assert answer.rows == (((), (1.0, 1.0, None, None, 2.0, 2.0)),)
