"""HTTP/1.1 on a connection by httptools on uvloop, which are written in C; as strict as h11."""

import re
from typing import Any
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.operations.connections import PatientProtocol

# Bytes that may be written before the first of them is sent.
_MOST_UNSENT = 65_536
_END_OF_HEAD = b"\r\n\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_FIRST_LINE = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+ [\x21-\x7e]+ HTTP/1\.[01]\r\n")
# The parser would leave the body of a request with this field to another protocol. There is none: it does not see it.
_UPGRADE, _HIDDEN = re.compile(rb"\r\nupgrade:", re.IGNORECASE), b"upgrad*"
_LINE_ENDS = b"\r\n"


class _OneRequestAtATime(HttpToolsProtocol):
    """HTTP/1.1 by httptools, which is as strict as h11.

    The parser gets no byte of a request before the one in front of it is answered, and no head before it is whole. So
    what waits on a connection is bytes, never requests, and a head has a largest size.
    """

    # Of the head of a request, and of what a body in chunks has between its bytes.
    most_of_a_head = 16_384
    # uvicorn declares it as if there was a request from the beginning.
    cycle: Any

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._held = bytearray()
        # Bytes of the head that were searched for its end.
        self._searched = 0
        self._is_in_body = False
        self._is_chunked = False
        # Bytes of the body, or of its present chunk, that are still to come by the declared length.
        self._to_come = 0
        # The present line of a body in chunks, and the bytes since the last ones that belong to the body itself.
        self._line = bytearray()
        self._between = 0

    def data_received(self, data: bytes) -> None:
        """Receive bytes."""
        self._unset_keepalive_if_required()
        if not self.transport.is_closing():
            self._held += data
            self._parse()

    def on_response_complete(self) -> None:
        """Go on with the request that arrived with the one that was answered."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        self._parse()
        if not self.cycle.response_complete:
            self._unset_keepalive_if_required()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head; fields that follow a body are ignored."""
        if not self._is_in_body:
            super().on_header(b"upgrade" if name == _HIDDEN else name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """Start to answer the request, unless its head is wrong."""
        version = self.parser.get_http_version()
        self._check_head(version)
        # uvicorn takes the path out of a target that is an address; as with h11, the path is the target as it was sent.
        target, self.url = self.url, b"/"
        self.expect_100_continue = self.expect_100_continue and version == "1.1"
        super().on_headers_complete()
        raw_path, _, query = target.partition(b"?")
        self.scope["path"] = self.root_path + unquote(raw_path.decode("ascii"))
        self.scope["raw_path"] = self.root_path.encode("ascii") + raw_path
        self.scope["query_string"] = query
        if self.parser.should_upgrade():
            # CONNECT: it is refused, and what follows it is not read.
            self.cycle.keep_alive = False
        self._is_in_body = True

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body."""
        self._between = 0
        super().on_body(body)

    def on_chunk_header(self) -> None:
        """Note how long the chunk is: the parser has read the line that says it, and found it right."""
        self._to_come = int(self._line.partition(b";")[0], 16)

    def on_message_complete(self) -> None:
        """End the body."""
        self._is_in_body = False
        super().on_message_complete()

    def _check_head(self, version: str) -> None:
        """Raise ValueError for a head that h11 refuses too, or of which two readers could think differently."""
        sent: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            sent.setdefault(name, []).append(value)
        hosts, codings, lengths = (sent.get(name, []) for name in (b"host", b"transfer-encoding", b"content-length"))
        if len(hosts) > 1 or (version == "1.1" and not hosts):
            raise ValueError("host")
        if codings and (lengths or version == "1.0" or [coding.lower() for coding in codings] != [b"chunked"]):
            raise ValueError("transfer-encoding")
        if len(lengths) > 1 or not all(length.isdigit() and len(length) < 20 for length in lengths):
            raise ValueError("content-length")
        self._is_chunked = bool(codings)
        self._to_come = int(lengths[0]) if lengths else 0
        self._line.clear()
        self._between = 0

    def _parse(self) -> None:
        while self._held and not self.transport.is_closing():
            if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
                # The next request waits until this one is answered.
                self.flow.pause_reading()
                return
            length = self._part_of_body() if self._is_in_body else self._whole_head()
            if length is None:
                return
            part = bytes(memoryview(self._held)[:length])
            if not self._is_in_body:
                part = _UPGRADE.sub(b"\r\n" + _HIDDEN + b":", part)
            del self._held[:length]
            try:
                self.parser.feed_data(part)
            except HttpParserUpgrade:
                continue
            except HttpParserError:
                self._refuse()
                return

    def _part_of_body(self) -> int | None:
        """The length of what belongs to the body for certain; None if the body is refused."""
        if self._to_come or not self._is_chunked:
            length = min(self._to_come, len(self._held))
            self._to_come -= length
            return length
        # Around the chunks are lines, and the last one ends the body: the parser never gets a part of the next request.
        length = (self._held.find(b"\n") + 1) or len(self._held)
        if self._between > self.most_of_a_head:
            self._refuse()
            return None
        if self._line.endswith(b"\n"):
            self._line.clear()
        self._line += self._held[:length]
        self._between += length
        return length

    def _whole_head(self) -> int | None:
        """The length of the head; None if it is not whole yet, or refused."""
        end = self._held.find(_END_OF_HEAD, max(0, self._searched - len(_END_OF_HEAD)))
        length = end + len(_END_OF_HEAD) if end >= 0 else len(self._held)
        is_wrong = self._held[0] in _LINE_ENDS or _BARE_LINE_FEED.search(self._held, self._searched, length)
        if end >= 0 and not _FIRST_LINE.match(self._held):
            is_wrong = True
        if is_wrong or length > self.most_of_a_head:
            self._refuse()
            return None
        self._searched = 0 if end >= 0 else length
        return length if end >= 0 else None

    def _refuse(self) -> None:
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            # Another answer in the middle of this one would be read as a part of it.
            self.transport.close()
        else:
            self.send_400_response("Invalid HTTP request received.")


class HttpToolsConnection(PatientProtocol, _OneRequestAtATime):
    """HTTP/1.1 by httptools, on uvloop.

    uvloop sends at the end of a turn of its loop, and says of everything that is written before that it is not sent. So
    an answer counts as not taken only if it is still there in the next turn.
    """

    _is_unsent = False

    def pause_writing(self) -> None:
        """Look in the next turn of the loop whether the client took what was written."""
        if self.transport.get_write_buffer_size() > _MOST_UNSENT:
            super().pause_writing()
            return
        self._is_unsent = True
        self.loop.call_soon(self._pause_if_unsent)

    def resume_writing(self) -> None:
        """The client took everything."""
        self._is_unsent = False
        super().resume_writing()

    def _pause_if_unsent(self) -> None:
        if self._is_unsent and not self.transport.is_closing():
            self._is_unsent = False
            super().pause_writing()
