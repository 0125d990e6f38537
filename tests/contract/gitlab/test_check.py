"""``pipedeck check`` for a GitLab."""

from datetime import UTC, datetime
from email.utils import formatdate

import pytest

from tests.contract.gitlab.bodies import USER, node
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, paths, projects, rest
from tests.http_stub import Reply, Stub
from tui.domain.health import Finding, SourceFacts
from tui.sources.gitlab.source import GitLabSource

METADATA = {"version": "18.9.0-ee", "revision": "6714c91", "kas": {}, "enterprise": True}


@pytest.fixture(autouse=True)
def healthy(stub: Stub) -> None:
    stub.routes |= {
        rest("/metadata"): Reply.json(
            METADATA, 200, **{"RateLimit-Limit": "2000", "RateLimit-Remaining": "1987"}
        ),
        rest("/user"): Reply.json(USER),
        rest("/personal_access_tokens/self"): token(),
        GRAPHQL: projects(fraud=[node(1001)]),
    }


def token(*scopes: str, expires_at: str | None = None) -> Reply:
    return Reply.json({"scopes": scopes or ("api",), "active": True, "expires_at": expires_at, "user_id": 7})


def day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


async def found(source: GitLabSource) -> dict[tuple[str, str], Finding]:
    findings = await source.check()
    assert all(finding.advice for finding in findings if finding.level != "ok")
    assert "glpat-secret" not in str(findings)
    return {(finding.level, finding.subject): finding for finding in findings}


async def test_all_is_well(stub: Stub, connect: Connect) -> None:
    source = connect()
    findings = await found(source)
    assert [level for level, _ in findings] == ["ok"] * 6
    assert findings["ok", "server"].message == "GitLab 18.9.0-ee answers"
    assert findings["ok", "token"].message == "valid for alice; may read and act (scopes: api)"
    assert findings["ok", "watch"].message == "finds 1 projects, 1 rows"
    facts = source.facts()
    assert facts.clock_skew is not None
    assert facts == SourceFacts(
        name="gl",
        type="gitlab",
        url=f"{stub.url}/gitlab",
        version="18.9.0-ee",
        user="alice",
        read_only=False,
        stage_source="GraphQL",
        clock_skew=facts.clock_skew,
        requests=12,
        bytes_read=facts.bytes_read,
        rate_limit="1987 left, limit 2000 a minute",
    )


async def test_a_limit_by_the_hour_tells_until_when(stub: Stub, connect: Connect, clock: Clock) -> None:
    reset = int(clock()) + 3000
    limits = {"RateLimit-Limit": "60", "RateLimit-Remaining": "3571", "RateLimit-Reset": str(reset)}
    for path in ("/metadata", "/user", "/personal_access_tokens/self"):
        stub.routes[rest(path)] = Reply.json(METADATA | USER | {"scopes": ["api"]}, 200, **limits)
    words = (await found(connect()))["ok", "rate limit"].message
    left, _, until = words.partition(" left until ")
    assert left == "3571"
    wanted = {f"{datetime.fromtimestamp(reset + second, UTC):%H:%M:%S}" for second in range(-5, 6)}
    assert until[:8] in wanted, "the server's clock is known to the second"
    assert until.endswith(" UTC, limit 60 a minute")


async def test_before_a_check_nothing_is_claimed(connect: Connect) -> None:
    facts = connect().facts()
    assert (facts.version, facts.user, facts.read_only, facts.requests) == ("", "", None, 0)


async def test_a_token_that_only_reads_makes_the_source_read_only(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/personal_access_tokens/self")] = token("read_api")
    source = connect()
    findings = await found(source)
    assert "may read only, acting needs the scope api" in findings["ok", "token"].message
    assert source.facts().read_only is True


@pytest.mark.parametrize("status", [400, 404])
async def test_an_oauth_token_does_not_tell_its_scopes(stub: Stub, connect: Connect, status: int) -> None:
    stub.routes[rest("/personal_access_tokens/self")] = Reply.json({"message": "no"}, status)
    source = connect()
    assert "its scopes are not told" in (await found(source))["ok", "token"].message
    assert source.facts().read_only is None


async def test_a_token_about_to_expire_is_warned_of(stub: Stub, connect: Connect, clock: Clock) -> None:
    soon = day(clock() + 5 * 86400)
    stub.routes[rest("/personal_access_tokens/self")] = token(expires_at=soon)
    assert (await found(connect()))["warning", "token"].message == f"expires on {soon}"
    later = day(clock() + 90 * 86400)
    stub.routes[rest("/personal_access_tokens/self")] = token(expires_at=later)
    assert ("warning", "token") not in await found(connect())


async def test_a_bad_token_ends_the_check_with_advice(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/metadata")] = Reply.json({"message": "401 Unauthorized"}, 401)
    findings = await found(connect())
    error = findings["error", "not logged in"]
    assert "401 Unauthorized" in error.message
    assert "read_api" in error.advice
    assert paths(stub) == ["GET /api/v4/metadata"]


async def test_an_older_server_tells_its_version_elsewhere(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/metadata")] = Reply.json({"error": "404 Not Found"}, 404)
    stub.routes[rest("/version")] = Reply.json({"version": "14.10.0", "revision": "abc"})
    source = connect()
    assert (await found(source))["ok", "server"].message == "GitLab 14.10.0 answers"
    assert source.facts().version == "14.10.0"


@pytest.mark.parametrize(
    ("reply", "subject", "advice"),
    [
        (Reply.text("<html>404</html>", 404, "text/html"), "not found", "path prefix"),
        (Reply.text("<html>welcome</html>", 200, "text/html"), "wrong answer", "path prefix"),
        (Reply(301, {"Location": "https://gitlab.example.com/"}), "request refused", "not redirect"),
        (Reply.text("<html>502</html>", 502, "text/html"), "unavailable", "who runs the server"),
        (Reply.text("Retry later\n", 429), "rate limited", "watch less"),
    ],
)
async def test_a_wrong_url_or_a_sick_server_is_named(
    stub: Stub, connect: Connect, reply: Reply, subject: str, advice: str
) -> None:
    stub.routes[rest("/metadata")] = stub.routes[rest("/version")] = reply
    assert advice in (await found(connect()))["error", subject].advice


async def test_nobody_there(connect: Connect) -> None:
    findings = await found(connect(url="http://127.0.0.1:1"))
    assert list(findings) == [("error", "unreachable")]


async def test_rest_instead_of_graphql_is_a_warning(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = Reply.json({"errors": [{"message": "API not accessible for user"}]}, 403)
    stub.routes[rest("/projects/ml%2Ffraud/pipelines")] = Reply.json([])
    findings = await found(connect())
    assert "API not accessible for user" in findings["warning", "GraphQL"].message
    assert ("warning", "watch") not in findings


async def test_watched_projects_that_are_not_there_are_named(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/projects/ml%2Fgone")] = Reply.json({"message": "404 Project Not Found"}, 404)
    findings = await found(connect(watch=("ml/fraud", "ml/gone")))
    assert "ml/gone does not exist" in findings["warning", "watch"].message
    assert ("ok", "watch") in findings
    findings = await found(connect(watch=("ml/gone",)))
    assert findings["error", "watch"].message == "finds no project"


async def test_clocks_that_differ_are_told(stub: Stub, connect: Connect, clock: Clock) -> None:
    late = formatdate(clock() - 3600, usegmt=True)
    stub.routes |= {
        rest("/metadata"): Reply.json(METADATA, Date=late),
        rest("/user"): Reply.json(USER, Date=late),
        rest("/personal_access_tokens/self"): Reply.json({"scopes": ["api"]}, Date=late),
        GRAPHQL: Reply.json({"data": {"projects": {"nodes": []}}}, Date=late),
        rest("/projects/ml%2Ffraud"): Reply.json({}, 404, Date=late),
    }
    finding = (await found(connect()))["warning", "clock"]
    assert finding.message.startswith("the server's clock is 36")
    assert finding.message.endswith("s behind this machine's")


async def test_anonymous_is_read_only_and_said(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/metadata")] = Reply.json({"message": "401 Unauthorized"}, 401)
    source = connect(token=None)
    assert "only what is public" in (await found(source))["warning", "token"].message
    assert source.facts().read_only is True
    assert "GET /api/v4/user" not in paths(stub)


async def test_a_token_that_reads_no_pipelines_is_an_error(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/personal_access_tokens/self")] = token("read_user")
    finding = (await found(connect()))["error", "token"]
    assert "its scopes (read_user) read no pipelines" in finding.message
