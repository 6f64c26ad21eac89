"""Mail announces news without its contents; a real mail server receives it."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import func, select, update

from app.core.access.session import GatedSession
from app.core.errors import Invalid, Misconfigured
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.core.tables.institution import Institution
from app.core.tables.notices import Notice, NoticeMark
from app.core.tables.people import User
from app.institution.people.activations import activate, print_link
from app.institution.people.schemas import ActivationIn, TokenIn
from app.institution.people.tokens import issue_as_operator
from app.integration.notices import letters, mail_queue
from app.integration.notices.schemas import LetterLanguage
from app.main import create_app
from app.operations.background.mail_sender import PATIENCE, Postman, postman_of
from app.operations.background.worker import worker_of
from app.operations.backup import back_up
from app.operations.restore import restore
from app.settings import Settings
from tests.canaries import WORDS, plant
from tests.installation import House, Json, Person
from tests.mail_servers import URL, MailServer, mailing, postman_on
from tests.processes import free_port, served
from tests.story import GIVES, POWERS, Dispute

TO_THE_DIGEST = timedelta(hours=15)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A running mail server."""
    mail_server = MailServer(free_port())
    controller = mail_server.start()
    yield mail_server
    controller.stop()


@pytest.fixture
def postman(house: House, server: MailServer) -> Postman:
    """A mailer that has scanned the house once."""
    mailer = postman_on(house, server)
    assert mailer.turn() == {}
    # Its marks must not be kept with a beginning that other tests restore.
    house.leave_moment()
    return mailer


def choose(person: Person, **choice: Any) -> Json:
    """Set a person's choice of notices."""
    return dict(person.patch("/v1/me/notices", choice, if_match="*").expect(200))


def subjects(mails: list[EmailMessage]) -> list[str]:
    """The subjects of mails."""
    return [str(mail["Subject"]) for mail in mails]


def text_of(mail: EmailMessage) -> str:
    """The text of a mail."""
    return str(mail.get_content())


def rows(house: House, *columns: Any, of: Any = Notice.created_at) -> list[Any]:
    """A column of every notice, or of every watermark."""
    with house.database.read(os.urandom) as db:
        return list(db.execute(select(*columns).order_by(of)).all())


def as_operator(house: House, act: Callable[..., Any], *args: Any) -> Any:
    """What the operator does on the command line, at the time of the house."""

    def acted(db: GatedSession) -> Any:
        answer = act(db, house.clock.now, *args)
        ledger.seal(db)
        return answer

    return house.database.in_transaction(acted, house.app.state.seams.entropy(house.next_request_id()))


def secret_in(mail: EmailMessage) -> str:
    """The secret of the one-time link in a mail."""
    return next(line for line in text_of(mail).splitlines() if line.startswith("accord_link."))


def settle(postman: Postman, server: MailServer) -> None:
    """Send all invitations and everything that is due, and forget the mails."""
    postman.turn()
    server.clear()


def die_while_recording(postman: Postman, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the mailer be killed after it has sent a mail and before it records that."""

    def dies(*_given: Any) -> str:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(mail_queue, "record", dies)
        with pytest.raises(SystemExit):
            postman.turn()


def test_the_morning_digest_covers_all_news_since_the_last_digest(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    dispute.consented()
    settle(postman, server)
    dispute.step(dispute.registrar, "screen").expect(200)
    dispute.step(dispute.registrar, "register").expect(200)
    assert postman.turn() == {}
    house.clock.now += TO_THE_DIGEST - timedelta(minutes=1)
    assert postman.turn() == {}
    house.clock.pass_by(minutes=1)
    postman.turn()
    (mail,) = server.to(dispute.responding)
    reference = dispute.read()["reference"]
    assert mail["Subject"] == f"Something new in {reference}"
    assert f"{URL}/v1/cases/{dispute.case['id']}" in text_of(mail)
    assert mail["From"] == "Registry <no-reply@example.org>"
    assert (mail["Auto-Submitted"], mail["Date"].datetime) == ("auto-generated", house.clock.now)
    assert postman.turn() == {}
    assert len(server.to(dispute.responding)) == 1


def test_several_cases_share_a_digest(house: House, server: MailServer, postman: Postman) -> None:
    first, two = Dispute(house, "a"), Dispute(house, "b")
    for dispute in (first, two):
        dispute.registered()
    settle(postman, server)
    house.clock.now += TO_THE_DIGEST
    postman.turn()
    (mail,) = server.to(house.registrar)
    assert mail["Subject"] == "Something new at Organisation for Mediation"
    for dispute in (first, two):
        assert f"{dispute.case['reference']}: {URL}/v1/cases/{dispute.case['id']}" in text_of(mail)


def test_ones_own_acts_are_not_news(dispute: Dispute, server: MailServer, postman: Postman) -> None:
    for person in (dispute.requesting, dispute.registrar):
        choose(person, news="at-once")
    settle(postman, server)
    dispute.opened()
    postman.turn()
    assert server.mails == []
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    postman.turn()
    assert (len(server.to(dispute.registrar)), server.to(dispute.requesting)) == (1, [])


def test_no_mail_contains_texts_names_or_acts_of_a_case(house: House, server: MailServer, postman: Postman) -> None:
    postman.turn()
    choose(house.registrar, news="at-once")
    dispute = plant(house)
    for person in (dispute.requesting, dispute.responding, dispute.mediator):
        choose(person, news="at-once")
    dispute.filing(dispute.requesting, "caucus", "requesting", text="caucusquetzal")
    postman.turn()
    house.clock.now += TO_THE_DIGEST
    postman.turn()
    assert len(server.mails) >= 8
    never = [*WORDS.values(), "quetzal", "Serin", "Ostrava", "Vedria", "caucus", "filing", "appointment", "session"]
    for mail, raw in zip(server.mails, server.raw, strict=True):
        whole = f"{raw.decode()}\n{mail['Subject']}\n{mail['To']}\n{text_of(mail)}"
        assert not [word for word in never if word.lower() in whole.lower()]
        recipient = mail["To"].addresses[0].display_name
        others = {"Olga Strand", "Viktor Drian", "Mina Datar", "Reggie Strar"} - {recipient}
        assert not [name for name in others if name in whole]


def test_a_person_whose_access_ended_receives_nothing(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    counsel = house.person("Cora Unsel")
    dispute.invited()
    path = dispute.representatives()
    held = dispute.admit_counsel(counsel)["id"]
    settle(postman, server)
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(200)
    dispute.requesting.post(f"{path}/{held}/end", {}).expect(200)
    house.admin.post(f"/v1/users/{dispute.responding.id}/disable").expect(200)
    postman.turn()
    house.clock.now += TO_THE_DIGEST
    postman.turn()
    assert (server.to(counsel), server.to(dispute.responding)) == ([], [])
    assert len(server.to(dispute.registrar)) == 1
    notices = rows(house, Notice.user_id, Notice.state, Notice.kind)
    states = {row.user_id: row.state for row in notices if row.kind == "news"}
    assert (states[UUID(counsel.id)], states[UUID(dispute.responding.id)]) == ("skipped", "skipped")


def test_a_candidate_is_asked_for_an_answer_without_naming_the_case(
    dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    choose(dispute.mediator, news="never", deadlines=False)
    dispute.registered()
    settle(postman, server)
    appointment = dispute.requesting.post(f"{dispute.path}/appointments", {"mediator_id": dispute.mediator_id})
    appointment.expect(201)
    postman.turn()
    (mail,) = server.to(dispute.mediator)
    assert mail["Subject"] == "An invitation from Organisation for Mediation"
    assert dispute.case["reference"] not in text_of(mail)
    assert dispute.case["id"] not in text_of(mail)
    choose(dispute.mediator, news="at-once")
    dispute.mediator.post(f"/v1/appointments/{appointment.json['id']}/declare", {"independent": True}).expect(200)
    dispute.responding.post(f"/v1/appointments/{appointment.json['id']}/accept").expect(200)
    postman.turn()
    news = server.to(dispute.mediator)[-1]
    assert news["Subject"] == "Something new at Organisation for Mediation"
    assert dispute.case["reference"] not in text_of(news)
    assert dispute.case["id"] not in text_of(news)


def test_invited_people_and_new_account_holders_receive_a_mail(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    dispute.registered()
    settle(postman, server)
    path = dispute.representatives()
    for name, address in (("王小明", "Wang.XM@Example.org"), ("O’Neill-Ní Dhomhnaill", "oneill@example.org")):
        body = {"email": address, "name": name, "role": "counsel", "powers": POWERS}
        dispute.requesting.post(path, body).expect(201)
    assert postman.turn() == {}
    for waiting in house.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"]:
        house.registrar.post(f"/v1/users/{waiting['id']}/approve").expect(200)
    postman.turn()
    to = {mail["To"].addresses[0].display_name: mail["To"].addresses[0].addr_spec for mail in server.mails}
    assert to == {"王小明": "Wang.XM@Example.org", "O’Neill-Ní Dhomhnaill": "oneill@example.org"}
    assert set(subjects(server.mails)) == {"An invitation from Organisation for Mediation"}
    assert not [mail for mail in server.mails if dispute.case["reference"] in text_of(mail)]
    server.clear()
    house.person("Nu Comer")
    postman.turn()
    assert subjects(server.mails) == ["An invitation from Organisation for Mediation"]


def test_nobody_is_invited_before_the_request_is_served(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    dispute.opened()
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    agent = {"email": "new.agent@example.org", "name": "New Agent", "role": "agent", "powers": POWERS}
    dispute.registrar.post(dispute.representatives("responding"), agent).expect(201)
    (waiting,) = dispute.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"]
    settle(postman, server)
    dispute.registrar.post(f"/v1/users/{waiting['id']}/approve").expect(200)
    assert postman.turn() == {}
    dispute.step(dispute.registrar, "invite", {"due_on": "2026-04-20"}).expect(200)
    postman.turn()
    (mail,) = [mail for mail in server.mails if mail["To"].addresses[0].addr_spec == "new.agent@example.org"]
    assert mail["Subject"] == "An invitation from Organisation for Mediation"
    activated = house.client.post("/v1/activations", json={"secret": secret_in(mail)})
    assert activated.status_code == 200
    house.person_with_token("New Agent", waiting["id"], activated.json()["token"]).get(dispute.path).expect(200)


def test_ones_own_counsel_is_invited_before_the_request_is_lodged(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    dispute.opened()
    settle(postman, server)
    body = {"email": "cora.unsel@example.org", "role": "counsel", "powers": POWERS}
    dispute.requesting.post(dispute.representatives(), body).expect(201)
    assert postman.turn() == {}
    (waiting,) = dispute.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"]
    dispute.registrar.post(f"/v1/users/{waiting['id']}/approve").expect(200)
    assert postman.turn() == {"sent": 1}


def test_each_link_that_is_mailed_ends_the_one_before(
    house: House, server: MailServer, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = house.person("Nu Comer")
    monkeypatch.setattr(house.database, "settings", mailing(house.settings, server))
    postman.turn()
    house.registrar.post(f"/v1/users/{person.id}/link").expect(200)
    house.admin.post(f"/v1/users/{person.id}/link").expect(200)
    assert postman.turn() == {"sent": 1}
    first, second = server.to(person)
    assert first["Message-ID"] != second["Message-ID"]
    for mail, status in ((first, 422), (second, 200), (second, 422)):
        assert house.client.post("/v1/activations", json={"secret": secret_in(mail)}).status_code == status


def test_an_invitation_that_was_not_recorded_is_repeated_with_another_link(
    house: House, server: MailServer, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.person("Nu Comer")
    die_while_recording(postman, monkeypatch)
    house.clock.now += mail_queue.LEASE
    assert postman.turn() == {"sent": 1}
    statuses = [
        house.client.post("/v1/activations", json={"secret": secret_in(mail)}).status_code for mail in server.mails
    ]
    assert statuses == [422, 200]
    assert len({str(mail["Message-ID"]) for mail in server.mails}) == 2


def test_the_holder_is_informed_by_mail_what_the_operator_did(
    house: House, server: MailServer, postman: Postman
) -> None:
    person = house.person("Hol Der")
    settle(postman, server)
    as_operator(house, issue_as_operator, TokenIn(label="x"), UUID(person.id))
    as_operator(house, print_link, UUID(person.id), OPERATOR)
    assert postman.turn() == {"sent": 2}
    assert subjects(server.mails) == ["Your account at Organisation for Mediation"] * 2
    texts = " ".join(text_of(mail) for mail in server.mails)
    assert "made a token for your account on 2026-03-02" in texts
    assert "printed a one-time link to your account on 2026-03-02" in texts
    assert "accord_" not in texts


def test_a_corrected_address_gets_the_mail_and_the_old_one_is_informed(
    house: House, server: MailServer, postman: Postman
) -> None:
    person = house.person("Ivo Maran")
    settle(postman, server)
    old, path = "ivo.maran@example.org", f"/v1/users/{person.id}"
    server.refuses[old] = "550 5.1.1 no such mailbox"
    as_operator(house, issue_as_operator, TokenIn(label="x"), UUID(person.id))
    assert postman.turn() == {"bounced": 1}
    tag = house.admin.get(path).headers["etag"]
    corrected = house.admin.patch(path, {"email": "ivo@corrected.example"}, if_match=tag).expect(200)
    assert corrected["undeliverable_since"] is None
    # A refusal by the old address says nothing of the new one.
    assert postman.turn() == {"sent": 1, "bounced": 1}
    assert [mail["To"].addresses[0].addr_spec for mail in server.mails] == ["ivo@corrected.example"]
    assert house.admin.get(path).expect(200)["undeliverable_since"] is None
    del server.refuses[old]
    tag = house.admin.get(path).headers["etag"]
    house.admin.patch(path, {"email": "ivo.maran@example.com"}, if_match=tag).expect(200)
    server.clear()
    assert postman.turn() == {"sent": 2}
    addresses = {mail["To"].addresses[0].addr_spec for mail in server.mails}
    assert addresses == {"ivo@corrected.example", "ivo.maran@example.com"}
    assert not [mail for mail in server.mails if "ivo" in text_of(mail)]


def test_a_waiting_invitation_does_not_follow_a_corrected_address(
    house: House, server: MailServer, postman: Postman
) -> None:
    person = house.person("Ivo Maran")
    server.refuses["ivo.maran@example.org"] = "450 4.2.0 try later"
    assert postman.turn() == {"pending": 1}
    path = f"/v1/users/{person.id}"
    house.admin.patch(path, {"email": "ada@attacker.example"}, if_match="*").expect(200)
    house.clock.pass_by(minutes=5)
    postman.turn()
    assert not [mail for mail in server.mails if "accord_link." in text_of(mail)]


def test_people_who_must_act_are_reminded_of_a_deadline_that_is_near(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    dispute.lodged()
    dispute.step(dispute.registrar, "invite", {"due_on": "2026-03-20"}).expect(200)
    for person in (dispute.requesting, dispute.responding, dispute.registrar):
        choose(person, news="never")
    house.clock.pass_by(days=13)
    settle(postman, server)
    worker_of(house.app.state.seams, house.settings).round()
    postman.turn()
    (mail,) = server.mails
    assert mail["To"].addresses[0].display_name == dispute.responding.name
    assert mail["Subject"] == "A term ends on 2026-03-20"
    assert f"{URL}/v1/me/desk" in text_of(mail)
    assert postman.turn() == {}


def test_no_reminder_goes_to_people_who_opted_out_or_have_acted(
    house: House, server: MailServer, postman: Postman
) -> None:
    unwanted, answered = Dispute(house, "a"), Dispute(house, "b")
    for dispute in (unwanted, answered):
        dispute.lodged()
        dispute.step(dispute.registrar, "invite", {"due_on": "2026-03-20"}).expect(200)
        choose(dispute.responding, news="never", deadlines=dispute is answered)
        choose(dispute.requesting, news="never")
    choose(house.registrar, news="never")
    house.clock.pass_by(days=13)
    settle(postman, server)
    worker_of(house.app.state.seams, house.settings).round()
    postman.gather()
    answered.step(answered.requesting, "withdraw", {"reason": "We withdraw."}).expect(200)
    postman.turn()
    assert server.mails == []


def test_each_person_chooses_how_often_and_in_which_language(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    plain = dispute.responding.get("/v1/me/notices").expect(200)
    assert plain == {"news": "daily", "deadlines": True, "language": "en"}
    dispute.responding.patch("/v1/me/notices", {"news": "never"}).expect(428)
    dispute.responding.patch("/v1/me/notices", {"news": "hourly"}, if_match="*").expect(422)
    settle(postman, server)
    dispute.registered()
    postman.turn()
    choose(dispute.requesting, news="never")
    # Mail that waits for the morning follows the new choice.
    changed = choose(dispute.responding, news="at-once", language="fr")
    assert changed == {"news": "at-once", "deadlines": True, "language": "fr"}
    postman.turn()
    assert subjects(server.mails) == [f"Du nouveau dans {dispute.case['reference']}"]
    house.clock.now += TO_THE_DIGEST
    postman.turn()
    assert server.to(dispute.requesting) == []


@pytest.mark.parametrize("language", get_args(LetterLanguage))
def test_a_letter_names_a_case_by_its_reference_alone(language: str) -> None:
    place, case = letters.Office("House", URL), letters.NamedCase("2026-0001", f"{URL}/v1/cases/x")
    near = letters.deadline(language, place, case, date(2026, 3, 20))
    assert near.subject.endswith("2026-03-20")
    assert "2026-0001" in near.subject
    assert case.link in near.body
    many = [letters.NamedCase(f"2026-{number:04d}", f"{URL}/v1/cases/{number}") for number in range(60)]
    digest = letters.news(language, place, many, elsewhere=False)
    assert digest.body.count("/v1/cases/") == letters.MOST_NAMED
    assert place.desk in digest.body
    invitation = letters.invitation(language, place, "accord_link.x", datetime(2026, 3, 5, 9, 30, tzinfo=UTC))
    assert "accord_link.x" in invitation.body
    assert "2026-03-05 09:30 UTC" in invitation.body
    for event in letters.ACCOUNT_TEXTS:
        assert "2026-03-20" in letters.account(language, place, event, date(2026, 3, 20)).body
    for letter in (invitation, letters.nomination(language, place)):
        assert "House" in letter.subject
        assert URL in letter.body


def test_two_mailers_at_once_send_each_mail_once(house: House, server: MailServer, postman: Postman) -> None:
    for number in range(8):
        house.person(f"Nu Comer{number}")
    barrier = threading.Barrier(3)

    def run(one: Postman) -> None:
        barrier.wait()
        for _turn in range(3):
            one.turn()

    threads = [threading.Thread(target=run, args=(postman_on(house, server),)) for _postman in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    postman.turn()
    ids = [str(mail["Message-ID"]) for mail in server.mails]
    assert (len(ids), len(set(ids))) == (8, 8)


def test_a_mailer_killed_while_sending_repeats_at_most_one_mail_with_the_same_id(
    house: House, server: MailServer, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [house.person(f"Nu Comer{number}") for number in range(3)]
    settle(postman, server)
    for person in people:
        as_operator(house, issue_as_operator, TokenIn(label="x"), UUID(person.id))
    die_while_recording(postman, monkeypatch)
    assert len(server.mails) == 1
    other = postman_on(house, server)
    other.turn()
    assert len(server.mails) == 3
    house.clock.now += mail_queue.LEASE
    other.turn()
    assert other.turn() == {}
    ids = [str(mail["Message-ID"]) for mail in server.mails]
    assert (len(ids), len(set(ids)), ids[0]) == (4, 3, ids[3])


@pytest.mark.slow
def test_a_process_killed_in_the_middle_of_a_mail_loses_none_and_repeats_one(house: House, server: MailServer) -> None:
    setting = {
        "ACCORD_SMTP_HOST": "127.0.0.1",
        "ACCORD_SMTP_PORT": str(server.port),
        "ACCORD_SMTP_SECURITY": "none",
        "ACCORD_MAIL_FROM": "no-reply@example.org",
        "ACCORD_PUBLIC_URL": URL,
    }
    with served(house.settings, **setting) as first:
        until(lambda: bool(rows(house, NoticeMark.user_id, of=NoticeMark.user_id)))
        server.looks = lambda: first.kill() if len(server.mails) == 2 else None
        for number in range(5):
            house.person(f"Nu Comer{number}")
        until(lambda: first.process.poll() is not None)
    until(lambda: len(server.mails) == 3)
    server.looks = None
    with house.database.write(os.urandom) as db:
        # As if the lease had expired.
        db.execute(update(Notice).values(leased_until=None).execution_options(synchronize_session=False))
    with served(house.settings, **setting):
        until(lambda: all(row.state == "sent" for row in rows(house, Notice.state)))
    recipients = [str(mail["To"]) for mail in server.mails]
    assert (len(recipients), len(set(recipients))) == (6, 5)


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)


def tomorrow(house: House, postman: Postman) -> None:
    """Let the next day begin at the institution."""
    house.clock.now = (house.clock.now + timedelta(days=1)).replace(hour=0, minute=0)
    postman.turn()


def test_the_registry_sees_each_day_what_did_not_arrive_on_the_days_before(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    server.refuses["nu.comer@example.org"] = "550 5.1.1 no such mailbox"
    person = house.person("Nu Comer")

    def shown() -> tuple[list[str], str | None]:
        listed = house.registrar.get("/v1/notices?count=true").expect(200)
        since = house.admin.get(f"/v1/users/{person.id}").expect(200)["undeliverable_since"]
        assert listed["count"]["total"] == len(listed["items"])
        return [item["on"] for item in listed["items"]], since

    # At the institution in Hong Kong, 15:59 in UTC is the last minute of the day.
    house.clock.now = house.clock.now.replace(hour=15, minute=58)
    assert postman.turn() == {"bounced": 1}
    house.clock.pass_by(minutes=1)
    postman.turn()
    assert shown() == ([], None)
    house.clock.pass_by(minutes=1)
    postman.turn()
    assert shown() == (["2026-03-02"], "2026-03-02")
    # A mail that is refused and one that arrives on the same day leave what was published.
    choose(person, news="at-once")
    dispute.opened()
    dispute.admit_counsel(person)
    assert postman.turn() == {"bounced": 1}
    del server.refuses["nu.comer@example.org"]
    retitled = {"title": "Another title"}
    dispute.requesting.patch(dispute.path, retitled, if_match="*").expect(200)
    house.clock.pass_by(hours=23)
    assert postman.turn() == {"sent": 1}
    assert shown() == (["2026-03-02"], "2026-03-02")
    house.clock.pass_by(hours=1)
    postman.turn()
    assert shown() == (["2026-03-03", "2026-03-02"], None)
    # What is kept for 30 days is deleted with the others of its day.
    house.clock.now = datetime(2026, 4, 1, 15, 59, tzinfo=UTC)
    with house.database.write(os.urandom) as db:
        assert mail_queue.forget(db, house.clock.now) == 0
        assert mail_queue.forget(db, house.clock.now + timedelta(minutes=1)) > 0


def test_the_registry_sees_a_refused_address_until_a_mail_is_delivered(
    house: House, dispute: Dispute, server: MailServer, postman: Postman
) -> None:
    settle(postman, server)
    address = "nu.comer@example.org"
    server.refuses[address] = "550 5.1.1 no such mailbox"
    person = house.person("Nu Comer")
    assert postman.turn() == {"bounced": 1}
    path = f"/v1/users/{person.id}"
    assert dispute.registrar.get("/v1/notices").expect(200)["items"] == []
    assert dispute.registrar.get(path).expect(200)["undeliverable_since"] is None
    tomorrow(house, postman)
    answer = dispute.registrar.get("/v1/notices?state=bounced&count=true").expect(200)
    (shown,) = answer["items"]
    assert shown == {
        "id": shown["id"],
        "user_id": person.id,
        "name": "Nu Comer",
        "email": address,
        "kind": "invitation",
        "state": "bounced",
        "code": "550",
        "on": "2026-03-02",
    }
    assert dispute.registrar.get("/v1/notices?state=failed").expect(200)["items"] == []
    dispute.requesting.get("/v1/notices").expect(403)
    assert dispute.registrar.get(path).expect(200)["undeliverable_since"] == "2026-03-02"
    del server.refuses[address]
    choose(person, news="at-once")
    dispute.opened()
    dispute.admit_counsel(person)
    assert postman.turn() == {"sent": 1}
    assert dispute.registrar.get(path).expect(200)["undeliverable_since"] == "2026-03-02"
    tomorrow(house, postman)
    assert dispute.registrar.get(path).expect(200)["undeliverable_since"] is None
    assert subjects(server.to(person)) == ["Something new at Organisation for Mediation"]


def test_no_transaction_is_open_while_a_mail_is_sent(house: House, server: MailServer, postman: Postman) -> None:
    seen: list[int] = []
    server.looks = lambda: seen.append(house.database.engine.pool.checkedout())  # type: ignore[attr-defined]
    house.person("Nu Comer")
    assert postman.turn() == {"sent": 1}
    assert seen == [0]


def test_a_silent_mail_server_is_given_up(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        postman = postman_on(house, MailServer(silent.getsockname()[1]))
        postman.box = replace(postman.box, seconds=0.2)
        postman.turn()
        house.person("Nu Comer")
        assert postman.turn() == {"pending": 1}
    (row,) = rows(house, Notice.code, Notice.tries)
    assert (row.code, row.tries) == ("unreachable", 1)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_over_tls_only_to_a_server_with_a_valid_certificate(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, security: str
) -> None:
    certificate, key = certified(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    mail_server = MailServer(free_port())
    tls = {"tls_context": context, "require_starttls": True} if security == "starttls" else {"ssl_context": context}
    controller = Controller(mail_server, hostname="127.0.0.1", port=mail_server.port, **tls)
    controller.start()
    try:
        postman = postman_on(house, mail_server, smtp_security=security)
        postman.turn()
        house.person("Nu Comer")
        assert postman.turn() == {"pending": 1}
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        house.clock.now += PATIENCE
        assert postman.turn() == {"sent": 1}
    finally:
        controller.stop()
    assert len(mail_server.mails) == 1


def certified(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begins = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begins).not_valid_after(begins + timedelta(days=9))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, secret


def test_the_list_of_bounces_is_paged(house: House, server: MailServer, postman: Postman) -> None:
    for number in range(5):
        server.refuses[f"nu.comer{number}@example.org"] = "551 moved"
        house.person(f"Nu Comer{number}")
        postman.turn()
    tomorrow(house, postman)
    bounces, path = [], "/v1/notices?limit=2"
    while path:
        page = house.registrar.get(path).expect(200)
        bounces += [item["email"] for item in page["items"]]
        path = f"/v1/notices?limit=2&after={page['next']}" if page["next"] else ""
    assert sorted(bounces) == sorted(server.refuses)


@pytest.mark.parametrize("refusal", ["451 try again", "421 busy"])
def test_a_temporary_refusal_is_not_a_bounce(house: House, server: MailServer, postman: Postman, refusal: str) -> None:
    server.refuses["nu.comer@example.org"] = refusal
    house.person("Nu Comer")
    assert postman.turn() == {"pending": 1}
    assert house.registrar.get("/v1/notices").expect(200)["items"] == []
    server.refuses.clear()
    assert postman.turn() == {}
    house.clock.now += PATIENCE
    assert postman.turn() == {"sent": 1}


def test_mail_waits_while_the_mail_server_is_down_and_none_is_lost(house: House) -> None:
    server = MailServer(free_port())
    postman = postman_on(house, server)
    postman.turn()
    people = [house.person(f"Nu Comer{number}") for number in range(3)]
    for _hour in range(24):
        postman.turn()
        house.clock.pass_by(hours=1)
    assert {row.state for row in rows(house, Notice.state)} == {"pending"}
    controller = server.start()
    try:
        house.clock.pass_by(hours=12)
        assert postman.turn() == {"sent": 3}
    finally:
        controller.stop()
    assert all(len(server.to(person)) == 1 for person in people)


def test_a_mail_is_given_up_and_reported_after_two_days_of_refusals(house: House, server: MailServer) -> None:
    postman = postman_on(house, server)
    postman.turn()
    server.refuses_all = "450 later"
    house.person("Nu Comer")
    tries = 0
    for _hour in range(60):
        tries += sum(postman.turn().values())
        house.clock.pass_by(hours=1)
    (shown,) = house.registrar.get("/v1/notices?state=failed").expect(200)["items"]
    assert (shown["code"], shown["on"]) == ("450", "2026-03-04")
    assert 6 <= tries <= 12


def test_a_name_with_line_breaks_adds_no_header(house: House, server: MailServer, postman: Postman) -> None:
    person = house.person("Eve Vil")
    house.has_planted_rows = True
    with house.database.write(os.urandom) as db:
        named = "Eve\r\nBcc: all@example.org\u2028X-Evil: 1"
        for statement in (
            update(User).where(User.id == UUID(person.id)).values(name=named),
            update(Institution).values(name="House\r\nX-Evil: 2\n\nbody"),
        ):
            db.execute(statement.execution_options(synchronize_session=False))
    postman_on(house, server, mail_from="no-reply@example.org").turn()
    (mail,) = server.mails
    assert set(mail.keys()) >= {"From", "To", "Subject", "Message-ID"}
    assert not {"Bcc", "X-Evil"} & set(mail.keys())
    assert mail["From"].addresses[0].display_name == "House X-Evil: 2 body"
    assert [address.addr_spec for address in mail["To"].addresses] == ["eve.vil@example.org"]


def test_the_worker_sends_mail_between_its_rounds(
    house: House, server: MailServer, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.background.mail_sender.SECONDS_BETWEEN_TURNS", 0.05)
    arrived, stop = threading.Event(), threading.Event()
    server.looks = arrived.set
    worker = worker_of(house.app.state.seams, mailing(house.settings, server))
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        house.person("Nu Comer")
        assert arrived.wait(10)
    finally:
        stop.set()
        thread.join()


def test_without_a_mail_server_nothing_is_queued_or_sent(house: House, dispute: Dispute) -> None:
    worker = worker_of(house.app.state.seams, house.settings)
    assert worker.postman is None
    dispute.invited()
    worker.round()
    with house.database.read(os.urandom) as db:
        counts = [db.execute(select(func.count()).select_from(table)).scalar_one() for table in (Notice, NoticeMark)]
    assert counts == [0, 0]


def test_mail_is_not_sent_if_the_settings_cannot_be_met(house: House, server: MailServer) -> None:
    postman = postman_on(house, server, smtp_security="starttls")
    postman.turn()
    house.person("Nu Comer")
    assert postman.turn() == {"pending": 1}
    assert server.mails == []
    for lacking in ({"public_url": None}, {"mail_from": None}, {"mail_from": "nobody"}, {"smtp_user": "u"}):
        with pytest.raises(Misconfigured):
            postman_on(house, server, **lacking)


def test_a_restored_registry_sends_none_of_the_waiting_mail_and_takes_no_link(
    house: House, dispute: Dispute, server: MailServer, postman: Postman, tmp_path: Path, without_tables: Settings
) -> None:
    settle(postman, server)
    dispute.invited()
    postman.gather()
    link = ActivationIn(secret=as_operator(house, print_link, UUID(dispute.requesting.id), OPERATOR))
    back_up(house.settings, tmp_path / "registry.zip", house.clock.now)
    restored = without_tables.model_copy(update={"storage": str(tmp_path / "documents")})
    restore(restored, tmp_path / "registry.zip", None, house.app.state.seams.sealer.unwrap, house.clock.now)
    seams = replace(create_app(restored).state.seams, clock=house.clock)
    other = postman_of(seams, lambda: seams.entropy("postman"), mailing(restored, server))
    assert other is not None
    other.turn()
    house.clock.now += TO_THE_DIGEST
    assert other.turn() == {}
    assert server.mails == []
    with pytest.raises(Invalid), seams.database.write(os.urandom) as db:
        activate(db, house.clock.now, link)
    seams.database.dispose()
