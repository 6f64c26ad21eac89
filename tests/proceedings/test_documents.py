"""Documents are uploaded and downloaded unchanged, by the people who may."""

import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.installation import Answer
from tests.pdfs import PDF, pdf
from tests.uploads import Desk, content_of, desk_of, digest_of, fault, nothing_is_kept, settings_of_storage

__all__ = ["settings_of_storage"]


@pytest.mark.parametrize("size", [1000, 65_535, 65_536, 65_537, 131_072, 1_500_000])
def test_a_document_is_returned_unchanged(desk: Desk, size: int) -> None:
    content = pdf(size)
    document = desk.document(content, query="?language=fr&relation=authentic-text")
    assert (document["size"], document["sha256"]) == (size, hashlib.sha256(content).hexdigest())
    assert (document["number"], document["version"], document["state"]) == (1, 1, "stored")
    assert (document["language"], document["relation"]) == ("fr", "authentic-text")
    assert document["author_party_id"] == desk.dispute.party("requesting")
    person = desk.dispute.requesting
    assert person.get(f"/v1/documents/{document['id']}").expect(200) == document
    assert person.get(desk.path).expect(200)["items"] == [document]
    answer = person.get(f"/v1/documents/{document['id']}/content")
    assert answer.response.content == content


def test_a_download_names_its_type_and_is_never_displayed_inline(desk: Desk) -> None:
    document = desk.document(name="مذكرة.pdf")
    answer = content_of(desk.dispute.requesting, document)
    digest = base64.b64encode(hashlib.sha256(PDF).digest()).decode()
    headers = {
        "content-type": "application/pdf",
        "content-length": str(len(PDF)),
        "content-disposition": f"attachment; filename=\"_____.pdf\"; filename*=UTF-8''{quote('مذكرة.pdf')}",
        "etag": f'"{hashlib.sha256(PDF).hexdigest()}"',
        "repr-digest": f"sha-256=:{digest}:",
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    }
    assert {name: answer.headers.get(name) for name in headers} == headers
    text = desk.document(b"\xd8\xa7\xd9\x84\n", name="a.txt", media_type="text/plain")
    assert content_of(desk.dispute.requesting, text).headers["content-type"] == "text/plain; charset=utf-8"


def test_a_part_of_a_document_is_read_by_its_range(desk: Desk) -> None:
    content = pdf(200_000)
    document, person = desk.document(content), desk.dispute.requesting
    tag = f'"{document["sha256"]}"'
    size = len(content)
    table = [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=65535-65536", slice(65535, 65537)),
        ("bytes=65536-131071", slice(65536, 131072)),
        ("bytes=100000-", slice(100000, size)),
        ("bytes=-5", slice(size - 5, size)),
        ("bytes=-9999999", slice(0, size)),
        ("bytes=199999-300000", slice(199999, size)),
    ]
    for asked, part in table:
        for conditions in ({}, {"if_range": tag}):
            answer = content_of(person, document, range=asked, **conditions)
            assert answer.status == 206, asked
            assert answer.response.content == content[part], asked
            assert answer.headers["content-range"] == f"bytes {part.start}-{part.stop - 1}/{size}"
            assert answer.headers["content-length"] == str(part.stop - part.start)
    for asked in ("bytes=0-1,5-6", "lines=1-2", "bytes=5-2", "bytes=-", "bytes=x-", "bytes=--5"):
        assert content_of(person, document, range=asked).status == 200, asked
    for other in ('"other"', f"W/{tag}", "Mon, 02 Mar 2026 09:00:00 GMT"):
        answer = content_of(person, document, range="bytes=0-9", if_range=other)
        assert (answer.status, answer.response.content) == (200, content)
    for outside in (f"bytes={size}-", "bytes=-0"):
        answer = content_of(person, document, range=outside)
        answer.expect(416, "range-not-satisfiable")
        assert answer.headers["content-range"] == f"bytes */{size}"
    assert content_of(person, document, if_none_match=tag).status == 304


@pytest.mark.parametrize("header", ["Repr-Digest", "Content-Digest"])
def test_a_digest_is_verified_before_the_document_exists(desk: Desk, header: str) -> None:
    def send(digest: str) -> Answer:
        return desk.send(repr_digest=digest) if header == "Repr-Digest" else desk.send(content_digest=digest)

    wrong, right = digest_of(b"other"), digest_of(PDF)
    assert fault(send(wrong)) == "digest-mismatch"
    assert fault(send(f"{right}, {wrong}")) == "digest-mismatch"
    for broken in ("sha-256=:AAAA:", "sha-256=x", "sha-256", f"{right};"):
        assert fault(send(broken)) == "digest", broken
    assert nothing_is_kept(desk)
    send(f"unixsum=:AAA=:, {right}").expect(201)


def test_the_same_file_under_the_same_name_is_one_document(desk: Desk) -> None:
    first, again = desk.document(), desk.document()
    assert again == first
    assert desk.document(name="other.pdf")["number"] == 2
    assert desk.document(pdf(900))["number"] == 3
    assert len(list(desk.dispute.house.app.state.seams.storage.objects())) == 3


def test_an_upload_repeated_under_its_key_is_one_document(desk: Desk) -> None:
    first = desk.send(idempotency_key="one").expect(201)
    again = desk.send(idempotency_key="one")
    assert again.expect(201) == first
    assert again.headers["idempotency-replayed"] == "true"
    desk.send(pdf(900), idempotency_key="one").expect(422, "key-reused")
    desk.send(name="other.pdf", idempotency_key="one").expect(422, "key-reused")
    assert len(list(desk.dispute.house.app.state.seams.storage.objects())) == 1


def test_a_document_may_relate_to_another_or_replace_it(desk: Desk) -> None:
    first = desk.document()
    of = f"?relation=translation-of&language=fr&related_id={first['id']}"
    translated = desk.document(pdf(900), name="traduction.pdf", query=of)
    assert (translated["relation"], translated["related_id"], translated["version"]) == (
        "translation-of",
        first["id"],
        1,
    )
    second = desk.document(pdf(901), query=f"?replaces_id={first['id']}")
    third = desk.document(pdf(902), query=f"?replaces_id={second['id']}")
    assert [(document["version"], document["replaces_id"]) for document in (second, third)] == [
        (2, first["id"]),
        (3, second["id"]),
    ]
    nobody = "00000000-0000-4000-8000-00000000dead"
    assert fault(desk.send(query=f"?replaces_id={nobody}")) == "unknown-document"
    assert fault(desk.send(query=f"?relation=annex-to&related_id={nobody}")) == "unknown-document"
    assert fault(desk.send(query="?relation=annex-to")) == "related-document"
    assert fault(desk.send(query=f"?related_id={first['id']}")) == "related-document"
    desk.send(query="?relation=sequel").expect(422)
    desk.send(query="?unknown=1").expect(422)


def test_the_limits_apply_before_the_bytes_arrive_and_while_they_arrive(desk: Desk) -> None:
    limit = desk.dispute.house.settings.document_limit
    desk.document(pdf(limit))
    assert desk.send(pdf(limit + 1), name="more.pdf").expect(413, "too-large")
    came = 0

    def endless() -> Iterator[bytes]:
        nonlocal came
        yield b"%PDF-1.7\n"
        while came < 10 * limit:
            came += 65536
            yield b"x" * 65536

    desk.send(endless(), name="more.pdf").expect(413, "too-large")
    for number in range(4):
        desk.document(name=f"{number}.pdf")
    desk.send(name="more.pdf").expect(409, "documents-full")
    assert len(list(desk.dispute.house.app.state.seams.storage.objects())) == 5


def test_the_numbers_of_a_submitted_filing_do_not_tell_of_removed_documents(desk: Desk) -> None:
    documents = [desk.document(name=f"{letter}.pdf") for letter in "abcd"]
    for removed in (documents[0], documents[2]):
        desk.dispute.requesting.post(f"/v1/documents/{removed['id']}/remove").expect(204)
    desk.submit()
    for person in (desk.dispute.requesting, desk.dispute.responding):
        listed = person.get(desk.path).expect(200)["items"]
        assert [(document["number"], document["name"]) for document in listed] == [(1, "b.pdf"), (2, "d.pdf")]
        path = desk.path.removesuffix("/documents")
        assert [document["number"] for document in person.get(path).expect(200)["documents"]] == [1, 2]


def test_a_document_is_removed_while_its_filing_is_a_draft(desk: Desk) -> None:
    document, kept = desk.document(), desk.document(name="kept.pdf")
    path, person = f"/v1/documents/{document['id']}", desk.dispute.requesting
    person.post(f"{path}/remove", if_match='"other"').expect(412)
    person.post(f"{path}/remove").expect(204)
    person.get(path).expect(404)
    person.get(f"{path}/content").expect(404)
    person.post(f"{path}/remove").expect(404)
    assert person.get(desk.path).expect(200)["items"] == [kept]
    assert desk.document()["number"] == 3
    desk.submit()
    person.post(f"/v1/documents/{kept['id']}/remove").expect(409, "filing-state")
    desk.send().expect(409, "filing-state")


def test_only_its_own_side_sees_a_draft_and_its_documents(desk: Desk) -> None:
    document = desk.document()
    dispute = desk.dispute
    for person in (dispute.responding, dispute.mediator, dispute.registrar, dispute.house.admin):
        person.get(desk.path).expect(404)
        desk.send(person=person).expect(404)
        person.get(f"/v1/documents/{document['id']}").expect(404)
        content_of(person, document).expect(404)
        person.post(f"/v1/documents/{document['id']}/remove").expect(404)
    nobody = dispute.house.person("No Body")
    nobody.token = "accord_" + "A" * 43
    desk.send(person=nobody).expect(401)
    content_of(nobody, document).expect(401)


def test_the_audience_of_a_filing_reads_its_documents_once_it_is_submitted(desk: Desk) -> None:
    document = desk.document()
    desk.submit()
    dispute = desk.dispute
    for person in (dispute.responding, dispute.mediator, dispute.registrar):
        assert content_of(person, document).response.content == PDF
        assert person.get(desk.path).expect(200)["items"] == [document]
        desk.send(person=person).expect(403, "not-your-capacity")
        person.post(f"/v1/documents/{document['id']}/remove").expect(403, "not-your-capacity")
    # Documents that every participant reads are not confidential, and their readers are not recorded.
    for person in (dispute.requesting, dispute.responding, dispute.mediator, dispute.registrar):
        assert person.get(f"{dispute.path}/accesses").expect(200)["items"] == []


# The bytes of a file of 10,000 that a range gives; None where the range is not satisfiable. RFC 9110, section 14.
RANGES: dict[str, tuple[int, int] | None] = {
    "bytes=0-0": (0, 1),
    "bytes=0-1023": (0, 1024),
    "bytes=9999-": (9999, 10_000),
    "bytes=9990-20000": (9990, 10_000),
    "bytes=10000-": None,
    "bytes=10000-10001": None,
    "bytes=-1": (9999, 10_000),
    "bytes=-0": None,
    "bytes=-10005": (0, 10_000),
    "Bytes=0-0": (0, 1),
}
# What is no single range of bytes is ignored.
NO_RANGES = ("bytes=5-4", "bytes=10005-4", "bytes=0-1,5-6", "bytes=-", "bytes=a-b", "lines=0-5", "0-5")


def test_ranges_include_their_last_byte_and_end_with_the_file(desk: Desk) -> None:
    content = pdf(10_000)
    document = desk.document(content)
    person, tag = desk.dispute.requesting, f'"{document["sha256"]}"'
    for wanted, expected in RANGES.items():
        answer = content_of(person, document, range=wanted)
        if expected is None:
            answer.expect(416)
            assert answer.headers["content-range"] == "bytes */10000", wanted
            continue
        start, end = expected
        assert (answer.status, answer.response.content) == (206, content[start:end]), wanted
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/10000", wanted
    for wanted in NO_RANGES:
        answer = content_of(person, document, range=wanted)
        assert (answer.status, answer.response.content) == (200, content), wanted
    for condition, status in ((tag, 206), (f"W/{tag}", 200), ('"other"', 200), ("Mon, 02 Mar 2026 09:00:00 GMT", 200)):
        answer = content_of(person, document, range="bytes=0-9", if_range=condition)
        assert (answer.status, len(answer.response.content)) == (status, 10 if status == 206 else 10_000), condition


def test_who_came_after_a_document_does_not_learn_of_it_from_its_reads(desk: Desk) -> None:
    dispute = desk.dispute
    body = {"kind": "statement", "title": "x", "text": "x", "audience": "mediators-registry"}
    confided = Desk(dispute, dispute.mediator.post(f"{dispute.path}/filings", body).expect(201))
    document = confided.document(person=dispute.mediator)
    dispute.mediator.post(confided.path.replace("/documents", "/submit")).expect(200)
    content_of(dispute.registrar, document)
    assert len(dispute.mediator.get(f"{dispute.path}/accesses").expect(200)["items"]) == 1
    dispute.resign()
    successor, path = dispute.succeeded()
    dispute.registrar.post(f"{path}/confirm").expect(200)
    content_of(dispute.registrar, document)
    content_of(successor, document).expect(404)
    answer = successor.get(f"{dispute.path}/accesses?count=true").expect(200)
    assert (answer["items"], answer["count"]["total"]) == ([], 0)


def test_the_protected_side_sees_who_read_its_confidential_documents(desk: Desk) -> None:
    dispute = desk.dispute
    confided = desk_of(dispute, "caucus", "requesting")
    content = pdf(100_000)
    document = confided.document(content)
    content_of(dispute.requesting, document)
    confided.submit()
    content_of(dispute.responding, document).expect(404)
    content_of(dispute.registrar, document).expect(404)
    dispute.house.clock.pass_by(hours=1)
    assert content_of(dispute.mediator, document).response.content == content
    dispute.house.clock.pass_by(hours=1)
    assert content_of(dispute.mediator, document, range="bytes=10-19").response.content == content[10:20]
    content_of(dispute.mediator, document, range="bytes=999999-").expect(416)
    content_of(dispute.mediator, document, if_none_match=f'"{document["sha256"]}"')
    reads = dispute.requesting.get(f"{dispute.path}/accesses").expect(200)["items"]
    assert [
        (item["name"], item["document_id"], item["bytes_from"], item["bytes_until"], item["read_at"]) for item in reads
    ] == [
        (dispute.mediator.name, document["id"], 10, 20, "2026-03-02T11:00:00Z"),
        (dispute.mediator.name, document["id"], 0, len(content), "2026-03-02T10:00:00Z"),
    ]
    for person in (dispute.responding, dispute.mediator, dispute.registrar):
        assert person.get(f"{dispute.path}/accesses").expect(200)["items"] == []
    page = dispute.requesting.get(f"{dispute.path}/accesses?limit=1").expect(200)
    assert (
        dispute.requesting.get(f"{dispute.path}/accesses?limit=1&after={page['next']}").expect(200)["items"]
        == reads[1:]
    )
