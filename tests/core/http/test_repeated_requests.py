"""Every operation that takes an idempotency key is answered again after everything else of the story has happened."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core.http import idempotency
from app.demo.play import StoryClock
from app.main import create_app
from app.settings import Settings
from tests.installation import Json
from tests.recording import MAIL, PRESENT, Bytes, Recorder, play_everything

# After these a mediator sees nothing more of the case, so what mediators sent is repeated before.
LEAVING = ("resignAppointment", "replaceMediator")


def keyed_operations(document: Json) -> set[str]:
    """The operations of the document that take an idempotency key."""

    def is_key(parameter: Json) -> bool:
        name = parameter.get("$ref", "").rpartition("/")[2]
        resolved = document["components"]["parameters"][name] if name else parameter
        return str(resolved["name"]).lower() == "idempotency-key"

    return {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if any(is_key(parameter) for parameter in operation.get("parameters", ()))
    }


@dataclass
class Sent:
    """A request that succeeded under a key, and its answer."""

    operation: str
    who: str
    method: str
    path: str
    request: dict[str, Any]
    headers: dict[str, str]
    answer: httpx.Response


class Repeater(Recorder):
    """Plays the story with a key in each request that may have one, and keeps the requests that succeed."""

    def __init__(self, app: Any, clock: StoryClock, entropy: Bytes) -> None:
        super().__init__(app, clock, entropy)
        self.keyed, self.sent = keyed_operations(app.openapi()), list[Sent]()
        self.repeated: list[tuple[Sent, httpx.Response]] = []

    def _operation(self, method: str, path: str) -> str:
        plain = path.partition("?")[0]
        return next(
            str(one["operationId"]) for verb, known, one in self._known if verb == method and known.fullmatch(plain)
        )

    async def send(self, who: str, method: str, path: str, body: Json, **headers: str) -> httpx.Response:
        """One request, under a key of its own."""
        return await self._keyed(who, method, path, {"json": body or None}, headers)

    async def send_raw(
        self, who: str | None, method: str, path: str, content: bytes = b"", **headers: str
    ) -> httpx.Response:
        """One request whose body is a file, under a key of its own."""
        if who is None:
            return await super().send_raw(who, method, path, content, **headers)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._keyed(who, method, path, {"content": content}, named)

    async def _keyed(
        self, who: str, method: str, path: str, request: dict[str, Any], headers: dict[str, str]
    ) -> httpx.Response:
        operation = self._operation(method, path)
        if operation in LEAVING:
            mediators = [sent for sent in self.sent if "mediator" in sent.who and sent.answer.status_code != 204]
            answers = [(sent, await self.again(sent)) for sent in mediators]
            self.repeated += [(sent, answer) for sent, answer in answers if answer.status_code != 404]
        if operation in self.keyed:
            headers = {**headers, "idempotency-key": f"key-{len(self.sent)}"}
        answer = await self.once(who, method, path, request, headers)
        if operation in self.keyed and answer.is_success:
            self.sent.append(Sent(operation, who, method, path, request, headers, answer))
        return answer

    async def again(self, sent: Sent) -> httpx.Response:
        """Repeat a request."""
        return await self.once(sent.who, sent.method, sent.path, sent.request, sent.headers)

    async def once(
        self, who: str, method: str, path: str, request: dict[str, Any], headers: dict[str, str]
    ) -> httpx.Response:
        """Send a request as it stands."""
        transport = httpx.ASGITransport(self.app)
        given = {"authorization": f"Bearer {self.tokens[who]}", **headers}
        async with httpx.AsyncClient(transport=transport, base_url="http://accord.demo") as client:
            return await client.request(method, path, headers=given, **request)


@pytest.fixture
def replayed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repeater]:
    """The whole story."""
    # The story lasts longer than a key is remembered.
    monkeypatch.setattr(idempotency, "LIFE", timedelta(days=400))
    clock, entropy = StoryClock(PRESENT), Bytes()
    app = create_app(settings.model_copy(update=MAIL), clock, lambda _request_id: entropy)
    play = Repeater(app, clock, entropy)
    try:
        asyncio.run(play_everything(play))
        yield play
    finally:
        app.state.seams.database.dispose()


@pytest.mark.parametrize("registry", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_every_act_is_answered_again_under_its_key_after_the_state_has_moved_on(replayed: Repeater) -> None:
    async def sees_it(sent: Sent) -> bool:
        made = {"uploadDocument": "/v1/documents", "openCase": sent.path, "draftFiling": sent.path}
        if sent.operation in made:
            # A draft may have been discarded since.
            path = f"{made[sent.operation]}/{_id_in(sent.answer)}"
            return (await replayed.once(sent.who, "GET", path, {}, {})).status_code != 404
        item = re.match(r"/v1/[a-z]+/[0-9a-f-]{36}", sent.path)
        return item is None or (await replayed.once(sent.who, "GET", item[0], {}, {})).status_code != 404

    async def repeated() -> list[tuple[Sent, httpx.Response]]:
        answers = [(sent, await replayed.again(sent)) for sent in replayed.sent]
        # A repetition shows what its author may see now: nothing of a removed document or a discarded draft, nothing
        # to a mediator who has left or to somebody who has declined.
        lost = [sent for sent, answer in answers if answer.status_code == 404]
        assert not [sent for sent in lost if sent.answer.status_code != 204 and await sees_it(sent)]
        return [*replayed.repeated, *((sent, answer) for sent, answer in answers if sent not in lost)]

    answers = asyncio.run(repeated())
    ended = {sent.operation for sent in replayed.sent if sent.answer.status_code == 204}
    assert {sent.operation for sent, _answer in answers} == replayed.keyed - ended
    assert ended == {"declineAppointment", "removeDocument", "removeWebhook", "resignAppointment"} & replayed.keyed
    wrong = [
        (sent.operation, sent.answer.status_code, answer.status_code)
        for sent, answer in answers
        if (answer.status_code, answer.headers.get("idempotency-replayed")) != (sent.answer.status_code, "true")
    ]
    assert wrong == []
    ids = [(_id_in(sent.answer), _id_in(answer)) for sent, answer in answers]
    assert [pair for pair in ids if pair[0] != pair[1]] == []
    refuses_another_file_under_the_key_of_an_upload(replayed)


def _id_in(answer: httpx.Response) -> str | None:
    found = re.match(r'\{"id":"([^"]+)"', answer.text)
    return found[1] if found else None


def refuses_another_file_under_the_key_of_an_upload(replayed: Repeater) -> None:
    """Check that another name or other bytes under a used key are refused, and that no bytes of them are kept."""
    uploads = {sent.operation: sent for sent in replayed.sent if "content" in sent.request}
    assert set(uploads) == {"uploadDocument", "uploadText", "uploadOrder"}

    async def refusals(sent: Sent) -> list[str]:
        name = {**sent.headers, "content-disposition": "attachment; filename=another.pdf"}
        other = {"content": sent.request["content"] + b"\n"}
        return [
            (await replayed.once(sent.who, sent.method, sent.path, request, headers)).json()["code"]
            for request, headers in ((sent.request, name), (other, sent.headers))
        ]

    storage = replayed.app.state.seams.storage
    before = sorted(stored.key for stored in storage.objects())
    for sent in uploads.values():
        assert asyncio.run(refusals(sent)) == ["key-reused", "key-reused"]
    assert sorted(stored.key for stored in storage.objects()) == before
