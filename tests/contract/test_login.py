"""What every source shows of itself: client certificates, headers, and credentials that were refused."""

import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_http_errors import Ask, by_httpx, every_library, no_proxy, refusal, server_tls
from tests.http_stub import Reply, http_stub
from tests.real_prometheus import history, prometheus
from tui.config import ExpositionSettings, PrometheusSettings, Secret
from tui.domain.series import Grid
from tui.sources.base import SourceError
from tui.sources.metrics.exposition import ExpositionSource
from tui.sources.metrics.prometheus import PrometheusSource

__all__ = ["no_proxy"]

TLS = Path(__file__).parent.parent / "recordings" / "tls"
CERT, KEY = TLS / "server.pem", TLS / "server.key"


def strict_tls() -> ssl.SSLContext:
    """A server that lets in only who has the key of the recorded certificate."""
    context = server_tls()
    context.load_verify_locations(CERT)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@every_library
async def test_a_client_certificate_lets_one_in(ask: Ask) -> None:
    with http_stub({"*": Reply.text("no", 418)}, tls=strict_tls()) as stub:
        assert "418" in (await refusal(ask, stub.url, ca=CERT, cert=CERT, key=KEY)).message
        assert len(stub.requests) == 1


@every_library
async def test_certificate_and_key_may_be_in_one_file(ask: Ask, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(CERT.read_bytes() + KEY.read_bytes())
    with http_stub({"*": Reply.text("no", 418)}, tls=strict_tls()) as stub:
        assert "418" in (await refusal(ask, stub.url, ca=CERT, cert=both)).message


@every_library
async def test_a_key_that_does_not_fit_is_told_before_anything_is_sent(ask: Ask, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text("hidden")
    with http_stub({}, tls=strict_tls()) as stub:
        error = await refusal(ask, stub.url, ca=CERT, cert=CERT, key=other)
        assert f"cannot use the client certificate in {CERT} and {other}" in error.message
        assert stub.requests == []


async def test_headers_and_parameters_go_with_every_query(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT", "ml")
    settings = PrometheusSettings(
        url="http://x",
        token=Secret("t0ken"),
        headers={"X-Scope-OrgID": Secret("env:TENANT")},
        parameters={"dedup": True, "max_source_resolution": "5m"},
    )
    answer = Reply.json({"status": "success", "data": {"resultType": "matrix", "result": []}})
    with http_stub({"*": answer}) as stub:
        source = PrometheusSource("p", _at(settings, stub.url))
        await source.samples("up", Grid(0, 600, 600))
        await source.close()
        (request,) = stub.requests
    assert request.headers["x-scope-orgid"] == "ml"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.form["dedup"] == ["true"]
    assert request.form["max_source_resolution"] == ["5m"]


def test_a_real_prometheus_that_wants_a_certificate(tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text(
        f"tls_server_config:\n  cert_file: {CERT}\n  key_file: {KEY}\n"
        f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {CERT}\n"
    )
    ours = ssl.create_default_context(cafile=str(CERT))
    ours.load_cert_chain(CERT, KEY)
    with prometheus(tmp_path, history(), f"--web.config.file={web}", tls=ours) as server:
        asyncio.run(by_httpx(server.url, ca=CERT, cert=CERT, key=KEY))
        error = asyncio.run(refusal(by_httpx, server.url, ca=CERT))
    assert "want" in error.message
    assert "client certificate" in error.message


@every_library
async def test_a_refused_credential_is_asked_for_anew(ask: Ask, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    code = f"f = open({str(ran)!r}, 'a'); f.write('x'); print(f.tell())"
    more: dict[str, Any] = {"token": Secret((sys.executable, "-c", code))}
    if ask is not by_httpx and "jenkins" in ask.__name__:
        more["user"] = "me"
    with http_stub({"*": Reply.text("who?", 401)}) as stub:
        for _ in range(2):
            await refusal(ask, stub.url, **more)
        first, second = (stub.requests[0], stub.requests[-1])
    assert first.headers["authorization"] != second.headers["authorization"]


async def test_a_credential_that_is_slow_holds_up_nobody_else(tmp_path: Path) -> None:
    """The command waits for a file that only the event loop makes: it would wait in vain on the loop."""
    gate = tmp_path / "gate"
    code = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\nprint('s')"
    settings = ExpositionSettings(url="http://x", token=Secret((sys.executable, "-c", code)))
    with http_stub({"*": Reply.text("up 1\n")}) as stub:
        source = ExpositionSource("p", _at(settings, stub.url))
        asking = asyncio.ensure_future(source.samples("up", Grid(0, 60, 60)))
        await asyncio.sleep(0)
        gate.touch()
        await asking
        await source.close()
        assert stub.requests[0].headers["authorization"] == "Bearer s"


async def test_a_credential_that_is_not_there_is_told() -> None:
    settings = ExpositionSettings(url="http://127.0.0.1:9", headers={"X-A": Secret("env:NOT_THERE")})
    source = ExpositionSource("p", settings)
    with pytest.raises(SourceError, match="the environment variable NOT_THERE is not set"):
        await source.samples("up", Grid(0, 60, 60))
    await source.close()


def _at(settings: Any, url: str) -> Any:
    import msgspec

    return msgspec.structs.replace(settings, url=url)
