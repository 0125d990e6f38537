import pytest

from tui.domain.query_template import TemplateError, fill, placeholders


def test_placeholders_are_told_from_selectors() -> None:
    assert placeholders('rate(x{code=~"5..", track="{track}"}[{window}])') == {"track", "window"}
    assert placeholders('up{job="a"}') == frozenset()
    assert placeholders('{"my.metric"}') == frozenset()


def test_values_cannot_end_the_string_they_stand_in() -> None:
    filled = fill('x{version="{version}"}', {"version": 'v1"} or vector(1) #\n\\'})
    assert filled == 'x{version="v1\\"} or vector(1) #\\n\\\\"}'


def test_a_regex_value_matches_itself_only() -> None:
    assert fill('x{version=~"{version:re}"}', {"version": "1.2+b"}) == r'x{version=~"1\\.2\\+b"}'


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{foo}", "unknown placeholder {foo}; allowed: environment"),
        ("{model}", "no value for {model}; allowed here: "),
    ],
)
def test_a_placeholder_that_cannot_be_filled_is_named(query: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        fill(query, {"track": "canary"})
    assert str(caught.value).startswith(message)
