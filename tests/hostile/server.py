"""A server that plays the case which the first part of the path names: ``http://127.0.0.1:PORT/3/...``."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread

from tests.hostile.cases import CASES, serve


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True


@contextmanager
def hostile_server() -> Iterator[str]:
    """Its url, behind which the number of a case follows."""
    over = Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            try:
                head = b""
                while b"\r\n" not in head:
                    if not (more := self.request.recv(65536, 2)):  # MSG_PEEK
                        return
                    head = more
                case = CASES[int(head.split(b" ", 2)[1].split(b"/")[1])]
                serve(self.request, case, over.wait)
            except OSError:
                pass  # whoever asked has gone, which is their right

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            over.set()
            server.shutdown()
            thread.join()
