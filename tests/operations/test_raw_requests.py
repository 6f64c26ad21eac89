"""Raw requests that are unusual or wrong: httptools refuses what h11 refuses, and reads the others as h11 does."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest
from fastapi import FastAPI

from app.operations.fast_connections import HttpToolsConnection
from app.operations.server import bound, served_in_background
from app.settings import Settings

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: x\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"

# Two readers may think differently about these, so they are refused by both.
WRONG = {
    "no host": b"GET /a HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"host: y\r\n\r\n",
    "two hosts in 1.0": b"GET /a HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n",
    "two lengths": POST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "two lengths in one field": POST + b"content-length: 3, 4\r\n\r\nabcd",
    "a negative length": POST + b"content-length: -3\r\n\r\nabc",
    "a signed length": POST + b"content-length: +3\r\n\r\nabc",
    "a hexadecimal length": POST + b"content-length: 0x3\r\n\r\nabc",
    "a length with a space": POST + b"content-length: 1 2\r\n\r\nabcabcabcabc",
    "an empty length": POST + b"content-length:\r\n\r\nabc",
    "a length in words": POST + b"content-length: three\r\n\r\nabc",
    "a huge length": POST + b"content-length: " + b"9" * 40 + b"\r\n\r\nabc",
    "another coding": POST + b"transfer-encoding: gzip\r\n\r\nabc",
    "two codings": POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked in two fields": POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity after chunked": POST + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": POST + b"transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a quoted coding": POST + b'transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a space before the colon": GET + b"x-a : b\r\n\r\n",
    "a space before the colon of the coding": POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "no colon": GET + b"x-a\r\n\r\n",
    "no name": GET + b": b\r\n\r\n",
    "a name with a bracket": GET + b"x(a: b\r\n\r\n",
    "a name with a letter that is not ASCII": GET + b"x-\xe9: b\r\n\r\n",
    "a name with a null": GET + b"x-\x00: b\r\n\r\n",
    "a value with a null": GET + b"x-a: b\x00c\r\n\r\n",
    "a value with a carriage return": GET + b"x-a: b\rc\r\n\r\n",
    "a value with a form feed": GET + b"x-a: b\x0cc\r\n\r\n",
    "a fold before the first field": b"GET /a HTTP/1.1\r\n host: x\r\n\r\n",
    "a first line without a version": b"GET /a\r\nhost: x\r\n\r\n",
    "a first line with two spaces": b"GET  /a HTTP/1.1\r\nhost: x\r\n\r\n",
    "a first line with a tab": b"GET\t/a\tHTTP/1.1\r\nhost: x\r\n\r\n",
    "a space after the version": b"GET /a HTTP/1.1 \r\nhost: x\r\n\r\n",
    "a version of three numbers": b"GET /a HTTP/1.1.1\r\nhost: x\r\n\r\n",
    "a version in lower case": b"GET /a http/1.1\r\nhost: x\r\n\r\n",
    "another protocol": b"GET /a RTSP/1.0\r\nhost: x\r\n\r\n",
    "a target with a null": b"GET /a\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
    "a target with a space": b"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
    "a target that is not ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\nhost: x\r\n\r\n",
    "a method with a bracket": b"G(T /a HTTP/1.1\r\nhost: x\r\n\r\n",
    "an empty line first": b"\r\n" + GET + b"\r\n",
    "a greeting of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a chunk without a size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk of a negative size": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "a chunk of a size with 0x": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk of a size in words": CHUNKED + b"three\r\nabc\r\n0\r\n\r\n",
    "a chunk of a huge size": CHUNKED + b"f" * 30 + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk that is longer than its size": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "a space before a chunk's size": CHUNKED + b" 3\r\nabc\r\n0\r\n\r\n",
    "a chunk's size before a bare line feed": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "a fold in a trailer": CHUNKED + b"0\r\n x: y\r\n\r\n",
    "a head that is too long": GET + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(200)),
    "a chunk's extension that is too long": CHUNKED + b"3;" + b"x" * 200_000,
    "a trailer that is too long": CHUNKED + b"0\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 500) for n in range(400)),
}
# h11 accepts these; httptools does not, because another server in front may read them differently.
REFUSED_BY_HTTPTOOLS = {
    "a bare line feed": b"GET /a HTTP/1.1\nhost: x\n\n",
    "a bare line feed in the head": GET + b"x-a: b\nx-c: d\r\n\r\n",
    "a folded value": GET + b"x-a: b\r\n c\r\n\r\n",
    "a length and a coding": POST + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding and a length": POST + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    "the same length twice": POST + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    "the same length twice in one field": POST + b"content-length: 3, 3\r\n\r\nabc",
    "a coding in 1.0": b"POST /a HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "version 2.0": b"GET /a HTTP/2.0\r\nhost: x\r\n\r\n",
    "version 3.7": b"GET /a HTTP/3.7\r\nhost: x\r\n\r\n",
    "a control character in a value": GET + b"x-a: b\x01c\r\n\r\n",
    "a space after a chunk's size": CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
    "an invented method": b"FETCH /a HTTP/1.1\r\nhost: x\r\n\r\n",
}
RIGHT = {
    "plain": GET + b"\r\n",
    "a query": b"GET /a?b=c&d=%20e?f HTTP/1.1\r\nhost: x\r\n\r\n",
    "a path in percents": b"GET /a%2Fb/%C3%A9/%2e%2e HTTP/1.1\r\nhost: x\r\n\r\n",
    "two slashes": b"GET //b/../c HTTP/1.1\r\nhost: x\r\n\r\n",
    "a fragment": b"GET /a#b?c HTTP/1.1\r\nhost: x\r\n\r\n",
    "brackets": b'GET /a{b}|\\^`"<> HTTP/1.1\r\nhost: x\r\n\r\n',
    "an address as the target": b"GET http://other.example/v1/me?a=b HTTP/1.1\r\nhost: x\r\n\r\n",
    "a star as the target": b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
    "an empty host": b"GET /a HTTP/1.1\r\nhost:\r\n\r\n",
    "1.0 without a host": b"GET /a HTTP/1.0\r\n\r\n",
    "spaces around a value": GET + b"x-a: \t b c \t \r\n\r\n",
    "a value that is not ASCII": GET + b"x-a: caf\xe9\r\n\r\n",
    "the same field twice": GET + b"x-a: b\r\nX-A: c\r\n\r\n",
    "an empty value": GET + b"x-a:\r\n\r\n",
    "a body": POST + b"content-length: 3\r\n\r\nabc",
    "a body with line ends": POST + b"content-length: 8\r\n\r\n\r\n\r\na\n\n\n",
    "a length with zeros": POST + b"content-length: 003\r\n\r\nabc",
    "a body of a GET": GET + b"content-length: 3\r\n\r\nabc",
    "chunks": CHUNKED + b"3\r\nabc\r\nB\r\n\n\r\n\r\n345678\r\n0\r\n\r\n",
    "chunks with capitals": POST + b"Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "chunks with an extension": CHUNKED + b"3;a=b\r\nabc\r\n0\r\n\r\n",
    "chunks with a trailer": CHUNKED + b"3\r\nabc\r\n0\r\nauthorization: Bearer x\r\n\r\n",
    "a body and another request": POST + b"content-length: 3\r\n\r\nabc" + NEXT,
    "chunks and another request": CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + NEXT,
    "three requests": NEXT * 3,
    "a request after the last": GET + b"connection: close\r\n\r\n" + NEXT,
    "an invitation to HTTP/2": GET + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n",
    "an invitation with a body": POST + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc",
    "a body that is waited for": POST + b"expect: 100-continue\r\ncontent-length: 3\r\n\r\nabc",
    "HEAD": b"HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n",
    "DELETE": b"DELETE /a HTTP/1.1\r\nhost: x\r\n\r\n",
}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with all that the server made of the request."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    names = ("method", "path", "query_string", "raw_path", "http_version", "headers")
    read = {name: repr(scope[name]) for name in names} | {"body": repr(body)}
    answer = json.dumps(read).encode()
    fields = [(b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": answer})


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[[str, bytes, int], bytes]]:
    """Send bytes to a server, whole or so many at a time; gives all that it answers."""
    with ExitStack() as serving:
        addresses = {}
        for server in ("h11", "httptools"):
            listening = bound("127.0.0.1", 0)
            addresses[server] = listening.getsockname()
            settings = Settings(http_server=cast(Any, server), request_timeout=2)
            serving.enter_context(served_in_background(cast(FastAPI, echo), settings, listening))

        def asked(server: str, sent: bytes, at_a_time: int = 1 << 20) -> bytes:
            with socket.create_connection(addresses[server], 10) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                answer = b""
                try:
                    for place in range(0, len(sent), at_a_time):
                        client.sendall(sent[place : place + at_a_time])
                    if not sent.endswith(LAST):
                        client.shutdown(socket.SHUT_WR)
                    while part := client.recv(65_536):
                        answer += part
                except OSError:
                    pass
            return answer

        yield asked


def is_refused(answer: bytes) -> bool:
    """Whether the application saw nothing of the request, or not its end."""
    return not answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").startswith(b"HTTP/1.1 200")


def plain(answer: bytes) -> bytes:
    """The answer without its day, and without spellings that are free."""
    undated = re.sub(rb"date: [^\r]+\r\n", b"", answer).replace(b"HTTP/1.1 100 \r\n", b"HTTP/1.1 100 Continue\r\n")
    return undated.replace(b"Connection: ", b"connection: ").replace(b"Chunked", b"chunked")


@pytest.mark.parametrize("shape", WRONG)
def test_a_wrong_request_is_refused_by_both(shape: str, ask: Any) -> None:
    assert is_refused(ask("h11", WRONG[shape])), "h11"
    answer = ask("httptools", WRONG[shape] + NEXT)
    assert is_refused(answer)
    assert answer.count(b"HTTP/1.1 ") <= 1, "the bytes that follow were answered"


@pytest.mark.parametrize("shape", REFUSED_BY_HTTPTOOLS)
def test_httptools_refuses_what_two_servers_may_read_differently(shape: str, ask: Any) -> None:
    answer = ask("httptools", REFUSED_BY_HTTPTOOLS[shape] + NEXT)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1, "the bytes that follow were answered"
    assert not is_refused(ask("h11", REFUSED_BY_HTTPTOOLS[shape])), "move it to those that both refuse"


@pytest.mark.parametrize("at_a_time", [1 << 20, 1])
@pytest.mark.parametrize("shape", RIGHT)
def test_both_read_a_request_alike(shape: str, at_a_time: int, ask: Any) -> None:
    closes = b"connection: close" in RIGHT[shape] or b"HTTP/1.0" in RIGHT[shape]
    # A server that closes resets the connection of a client that still sends.
    at_a_time = 1 << 20 if closes else at_a_time
    read = {server: plain(ask(server, RIGHT[shape] + LAST, at_a_time)) for server in ("h11", "httptools")}
    assert not is_refused(read["h11"])
    assert read["httptools"] == read["h11"]
    # Both know where the request ends.
    assert (b"/last" in read["h11"]) is not closes


def test_a_chunk_is_handed_on_as_it_arrives_and_not_line_by_line(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []
    hand_on = HttpToolsConnection.on_body

    def counted(self: HttpToolsConnection, body: bytes) -> None:
        parts.append(len(body))
        hand_on(self, body)

    monkeypatch.setattr(HttpToolsConnection, "on_body", counted)
    lines = b"\n" * 100_000
    sent = CHUNKED + b"%x;a=b\r\n" % len(lines) + lines + b"\r\n00\r\nx: y\r\n\r\n" + LAST
    answer = ask("httptools", sent)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert sum(parts) == len(lines)
    assert len(parts) < 1000


def test_nothing_that_follows_a_request_for_a_tunnel_is_answered(ask: Any) -> None:
    for more in (b"\r\n", b"content-length: 3\r\n\r\nabc"):
        answer = ask("httptools", b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n" + more + NEXT)
        assert b"/next" not in answer
        assert answer.count(b"HTTP/1.1 ") == 1
