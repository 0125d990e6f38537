"""Servers that do not answer: every source says the same of the same fault, whichever library it asks with."""

import errno
import gzip
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

import pytest

from tests.http_stub import Reply, http_stub
from tui.config import GitLabSettings, JenkinsSettings, PrometheusSettings
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.series import Grid
from tui.sources.base import SourceError
from tui.sources.gitlab.source import GitLabSource
from tui.sources.http.blocking import BlockingSession
from tui.sources.http.errors import IncompleteResponse, explain
from tui.sources.http.limiter import Limiter
from tui.sources.jenkins.client import Client
from tui.sources.jenkins.source import JenkinsSource
from tui.sources.metrics.prometheus import PrometheusSource

TLS = Path(__file__).parent.parent / "recordings" / "tls"

Ask = Callable[..., Awaitable[None]]


async def by_httpx(url: str, **settings: Any) -> None:
    source = PrometheusSource("ci", PrometheusSettings(url=url, **settings))
    try:
        await source.samples("up", Grid(0, 600, 600))
    finally:
        await source.close()


async def by_python_gitlab(url: str, **settings: Any) -> None:
    source = GitLabSource("ci", GitLabSettings(url=url, watch=("ml/fraud",), **settings))
    try:
        await source.run(Address("ci", "ml/fraud", 1))
    finally:
        await source.close()


async def by_python_jenkins(url: str, **settings: Any) -> None:
    source = JenkinsSource("ci", JenkinsSettings(url=url, **settings))
    try:
        await source.run(Address("ci", "train", 1))
    finally:
        await source.close()


every_library = pytest.mark.parametrize("ask", [by_httpx, by_python_gitlab, by_python_jenkins])


async def refusal(ask: Ask, url: str, **settings: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await ask(url, **settings)
    assert caught.value.message.isprintable()
    assert "hidden" not in caught.value.message
    return caught.value


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextmanager
def talker(*words: bytes, forever: bytes = b"", reset: bool = False) -> Iterator[int]:
    """Something that says ``words``, whatever it is asked, and then nothing, or ``forever`` the same.

    With ``reset`` it says nothing and breaks the connection.
    """
    over = Event()

    class Talk(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1)
            if reset:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.request.close()
                return
            self.request.sendall(b"".join(words))
            while forever and not over.is_set():
                try:
                    self.request.sendall(forever)
                except OSError:
                    return
            self.request.shutdown(socket.SHUT_WR)
            over.wait()

    with ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            over.set()
            server.shutdown()
            thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
CUT = "cut its answer off"
NO_HTTP = (
    "dropped the connection or speaks no HTTP; is the port right, does it want https or a client certificate?"
)


@every_library
@pytest.mark.parametrize(
    ("said", "trouble", "words"),
    [
        pytest.param(HEAD + b"{", Trouble.WRONG_ANSWER, CUT, id="half a body"),
        pytest.param(CHUNKED + b"5\r\nabc", Trouble.WRONG_ANSWER, CUT, id="half a chunk"),
        pytest.param(CHUNKED + b"zz\r\nabc\r\n", Trouble.WRONG_ANSWER, CUT, id="no chunk"),
        pytest.param(ZIPPED, Trouble.WRONG_ANSWER, "answered with damaged compression", id="no gzip"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", Trouble.UNREACHABLE, NO_HTTP, id="no HTTP"),
        pytest.param(b"HTTP/1.1 what\r\n\r\n", Trouble.UNREACHABLE, NO_HTTP, id="no status"),
        pytest.param(b"", Trouble.UNREACHABLE, NO_HTTP, id="nothing"),
    ],
)
async def test_no_whole_answer(ask: Ask, said: bytes, trouble: Trouble, words: str) -> None:
    with talker(said) as port:
        error = await refusal(ask, f"http://127.0.0.1:{port}")
    assert error.trouble is trouble
    assert error.message.startswith(f"ci at 127.0.0.1:{port} {words} (")


@every_library
async def test_half_a_body_over_tls(ask: Ask) -> None:
    with http_stub({"*": Reply(body=b"{}" * 9, cut=True)}, tls=server_tls()) as stub:
        error = await refusal(ask, stub.url, ca=TLS / "server.pem")
    assert error.trouble is Trouble.WRONG_ANSWER
    assert CUT in error.message


@every_library
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_reset(ask: Ask, scheme: str) -> None:
    with talker(reset=True) as port:
        error = await refusal(ask, f"{scheme}://127.0.0.1:{port}")
    assert error.trouble is Trouble.UNREACHABLE
    assert NO_HTTP in error.message


@every_library
async def test_too_large_an_answer_is_given_up(ask: Ask) -> None:
    bomb = gzip.compress(bytes(33 << 20))
    with http_stub({"*": Reply(200, {"Content-Encoding": "gzip"}, bomb)}) as stub:
        error = await refusal(ask, stub.url)
    assert error.trouble is Trouble.WRONG_ANSWER
    assert "has more than 32 MB; ask it for less" in error.message


def test_an_answer_without_end_is_not_read_on_when_nobody_waits_any_more() -> None:
    session = BlockingSession("ci", JenkinsSettings(url="http://127.0.0.1", timeout=0.2))
    session.largest = 1 << 50
    with talker(b"HTTP/1.1 200 OK\r\n\r\n", forever=bytes(1 << 16)) as port:
        with pytest.raises(IncompleteResponse):
            session.get(f"http://127.0.0.1:{port}/")
        assert session.last is None
    session.close()


async def test_of_a_long_log_only_the_beginning_is_read() -> None:
    wire = Limiter("ci")
    with http_stub({"*": Reply(body=bytes(8 << 20))}) as stub:
        client = Client(wire, JenkinsSettings(url=stub.url))
        assert len(await client.beginning("/job/j/1/consoleText", 100)) == 100
        await client.close()
    assert 0 < wire.bytes_read < 1 << 20


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@every_library
async def test_nobody_listens(ask: Ask, closed_port: int) -> None:
    error = await refusal(ask, f"http://127.0.0.1:{closed_port}")
    assert error.trouble is Trouble.UNREACHABLE
    words = f"ci at 127.0.0.1:{closed_port} refuses connections; is it running, is the port right? ("
    assert error.message.startswith(words)


@every_library
async def test_a_name_that_nobody_knows(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = await refusal(ask, "http://user:hidden@ci.example:8080/x")
    assert error.trouble is Trouble.UNREACHABLE
    words = "ci at ci.example:8080 cannot be found: its name is not known; check the url ("
    assert error.message.startswith(words)


@every_library
async def test_a_port_that_is_none(ask: Ask) -> None:
    error = await refusal(ask, "http://127.0.0.1:99999")
    assert error.trouble is Trouble.UNREACHABLE
    assert "cannot be asked: the url in the config is not valid" in error.message


@pytest.mark.parametrize("ask", [by_python_gitlab, by_python_jenkins])
@pytest.mark.parametrize("url", ["http://ci..example", "http://" + "x" * 70])
async def test_a_name_that_is_none(ask: Ask, url: str) -> None:
    """httpx looks for them all the same, and does not find them."""
    error = await refusal(ask, url)
    assert error.trouble is Trouble.UNREACHABLE
    assert "cannot be asked: the url in the config is not valid" in error.message


@contextmanager
def full_queue() -> Iterator[int]:
    """Somebody who takes no connection: the kernel lets us wait."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@every_library
async def test_a_host_that_takes_no_connection(ask: Ask) -> None:
    with full_queue() as port:
        error = await refusal(ask, f"http://127.0.0.1:{port}", connect_timeout=0.1, timeout=30.0)
    assert error.trouble is Trouble.TIMEOUT
    assert "could not be connected to within 0.1 s; a firewall, or the wrong host? (" in error.message


@every_library
async def test_a_proxy_that_takes_no_connection(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with full_queue() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        error = await refusal(ask, "http://ci.example", connect_timeout=0.1, timeout=30.0)
    assert error.message.startswith(BEHIND + CHECK)


@every_library
async def test_a_server_that_hangs(ask: Ask) -> None:
    with http_stub({"*": Reply(hang=True)}) as stub:
        error = await refusal(ask, stub.url, timeout=0.3)
    assert error.trouble is Trouble.TIMEOUT
    assert "did not answer within 0.3 s (" in error.message


def server_tls(certificate_from: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
    if certificate_from:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(TLS / "server.pem")
        context.minimum_version = context.maximum_version = certificate_from
    return context


@every_library
@pytest.mark.parametrize(
    ("version", "words"),
    [
        (
            ssl.TLSVersion.TLSv1_3,
            "wants a client certificate; name one that it trusts with cert = and key = in the config (",
        ),
        (ssl.TLSVersion.TLSv1_2, "handshake failure; does it want a client certificate, or a newer TLS? ("),
    ],
)
async def test_a_server_that_wants_a_client_certificate(
    ask: Ask, version: ssl.TLSVersion, words: str
) -> None:
    with http_stub({}, tls=server_tls(version)) as stub:
        error = await refusal(ask, stub.url, ca=TLS / "server.pem")
        assert stub.requests == []
    assert error.trouble is Trouble.TLS
    assert words in error.message


@every_library
@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS here; http instead of https in the url? ("),
        (b"\x15\x03\x03\x00\x02\x02\x28", "broke off the TLS handshake: sslv3 alert handshake failure; "),
        (
            b"",
            "unexpected eof while reading; is the port one for https, does a firewall or proxy cut it off? (",
        ),
        (
            b"\x15\x03\x01\x00\x02\x02\x46",
            "speaks a TLS that is too old to be trusted (tlsv1 alert protocol version); ",
        ),
        (b"+OK ready\r\n", "does not speak TLS here; http instead of https in the url? ("),
    ],
)
async def test_no_tls_where_it_is_expected(ask: Ask, said: bytes, words: str) -> None:
    with talker(said) as port:
        error = await refusal(ask, f"https://127.0.0.1:{port}")
    assert error.trouble is Trouble.TLS
    assert words in error.message


@every_library
@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (
            "other",
            "shows a certificate that is for another host: IP address mismatch, certificate is not valid for "
            "'127.0.0.1'; write the url with a name that the certificate has",
        ),
        (
            "expired",
            "shows a certificate that has expired: certificate has expired; who runs the server has to",
        ),
        ("early", "that is not valid yet: certificate is not yet valid; set this machine's clock, or ask "),
    ],
)
async def test_what_is_wrong_with_a_certificate_of_a_known_authority(
    ask: Ask, certificate: str, words: str
) -> None:
    """Its authority is in the config already: to name it would not help."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{certificate}.pem", TLS / "server.key")
    with http_stub({}, tls=context) as stub:
        error = await refusal(ask, stub.url, ca=TLS / f"{certificate}.pem")
    assert error.trouble is Trouble.TLS
    assert words in error.message
    assert "ca =" not in error.message


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (20, "name its authority with ca = in the config"),
        (62, "that the certificate has, or give the server another one"),
        (68, "it needs one with a longer key or a newer digest"),
        (23, "certificate revoked"),
    ],
)
def test_every_code_of_a_certificate_has_its_advice(code: int, advice: str) -> None:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    error.verify_code, error.verify_message = code, "certificate revoked" if code == 23 else "why\x1b[2J"
    assert explain(error, SETTINGS)[1].endswith(advice)


@every_library
async def test_an_authority_is_trusted_when_named_or_the_systems(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(TLS / "server.pem"))
    with http_stub({}, tls=server_tls()) as stub:
        error = await refusal(ask, stub.url)
        assert stub.requests == []
        assert error.trouble is Trouble.TLS
        words = "not trusted: self-signed certificate; name its authority with ca = in the config ("
        assert words in error.message
        assert (await refusal(ask, stub.url, ca=TLS / "server.pem")).status == 404
        monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "server.pem"))
        assert (await refusal(ask, stub.url)).status == 404


@every_library
@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), ("none", "it holds no certificate in PEM form")]
)
async def test_a_ca_file_that_cannot_be_read(
    ask: Ask, closed_port: int, tmp_path: Path, content: str | None, words: str
) -> None:
    ca = tmp_path / "ca.pem"
    if content:
        ca.write_text(content)
    error = await refusal(ask, f"https://127.0.0.1:{closed_port}", ca=ca)
    assert error.trouble is Trouble.TLS
    assert f"cannot read the CA file {ca}: {words}" in error.message


BEHIND = "ci at ci.example is behind a proxy that does not let us through"
CHECK = "; check HTTP_PROXY, HTTPS_PROXY and NO_PROXY ("


@every_library
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there(
    ask: Ask, scheme: str, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", f"http://user:hidden@127.0.0.1:{closed_port}")
    error = await refusal(ask, f"{scheme}://ci.example")
    assert error.trouble is Trouble.UNREACHABLE
    assert error.message.startswith(BEHIND + CHECK)


@every_library
async def test_a_proxy_that_is_not_asked(ask: Ask, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    error = await refusal(ask, f"http://127.0.0.1:{closed_port}")
    assert "refuses connections" in error.message


@every_library
async def test_a_proxy_that_refuses(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with talker(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as port:
        monkeypatch.setenv("https_proxy", f"http://user:hidden@127.0.0.1:{port}")
        error = await refusal(ask, "https://ci.example")
    assert error.trouble is Trouble.UNREACHABLE
    assert error.message.startswith(f"{BEHIND}: ")
    assert f"407 Proxy Authentication Required{CHECK}" in error.message


@every_library
@pytest.mark.parametrize("proxy", ["nonsense://hidden", "http://:80:90", "socks5://127.0.0.1:1"])
async def test_a_proxy_that_is_none(ask: Ask, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    error = await refusal(ask, "http://ci.example")
    assert error.trouble is Trouble.UNREACHABLE
    assert "cannot be asked: a proxy named in the environment (HTTP_PROXY" in error.message


@pytest.mark.parametrize("ask", [by_python_gitlab, by_python_jenkins])
async def test_a_proxy_without_a_name(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx looks for it all the same."""
    await test_a_proxy_that_is_none(ask, "http:///x", monkeypatch)


SETTINGS = PrometheusSettings(url="http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (
            OSError(errno.EHOSTUNREACH, "No route\x1b[2J to host"),
            "cannot be connected to: no route to host; check the url",
        ),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), NO_HTTP),
    ],
)
def test_every_address_of_a_host_was_tried(last: OSError, words: str) -> None:
    error = OSError("All connection attempts failed")
    error.__cause__ = ExceptionGroup("", [last])
    assert explain(error, SETTINGS) == (Trouble.UNREACHABLE, words)


def test_what_nobody_foresaw_is_named() -> None:
    assert explain(KeyError("hidden"), SETTINGS) == (Trouble.UNREACHABLE, "could not be asked: KeyError")
