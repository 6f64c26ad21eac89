"""The register of members: what an entry may say, its history, its filters, and the shipped members."""

import os
from typing import Any

import pytest

from app.core.access.session import GatedSession
from app.core.errors import Misconfigured
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR, Act, installation_subject
from app.core.ledger.verification import verify
from app.institution.members import loader
from app.institution.members.schemas import MemberIn
from app.settings import Settings
from tests.installation import START, House, Json, guarded
from tests.story import Dispute

SIGNATORY = {"name": "Republic of Ostrava", "kind": "state", "status": "signatory"}
WHOLE: Json = {
    "name": "Republic of Ostrava",
    "kind": "state",
    "status": "contracting",
    "signed_on": "2025-05-30",
    "ratified_on": "2025-07-30",
    "acceded_on": None,
    "in_force_on": "2025-08-29",
    "withdrawal_notified_on": None,
    "ceases_on": None,
    "earlier_periods": [],
    "founding": True,
    "declarations": [{"subjects": ["territorial-sovereignty"], "from_on": "2025-08-29", "until_on": None}],
    "designations": [
        {"name": "Mina Datar", "designated_on": "2025-09-15", "until_on": "2031-09-14", "panel": "States"},
        {"name": "Nobody With An Account", "designated_on": "2025-09-15", "until_on": None, "panel": None},
    ],
    "calendar": "GB-SCT",
    "standing": "text",
    "source": "Notification of the depositary, 30 July 2025",
}
MINA = {"name": "Mina Datar", "designated_on": "2025-09-15"}

# The fields besides name and kind, and every fault that is found in them.
FAULTS: list[tuple[Json, list[tuple[str, str]]]] = [
    ({"status": "contracting"}, [("/in_force_on", "in-force")]),
    ({"in_force_on": "2025-08-29"}, [("/in_force_on", "in-force")]),
    ({"signed_on": "2025-05-30", "ratified_on": "2025-05-29"}, [("/ratified_on", "order")]),
    ({"signed_on": "2025-05-30", "acceded_on": "2025-05-29"}, [("/acceded_on", "order")]),
    (
        {"status": "contracting", "ratified_on": "2025-08-30", "in_force_on": "2025-08-29"},
        [("/in_force_on", "order")],
    ),
    ({"status": "contracting", "acceded_on": "2025-08-30", "in_force_on": "2025-08-29"}, [("/in_force_on", "order")]),
    ({"status": "contracting", "signed_on": "2025-08-30", "in_force_on": "2025-08-29"}, [("/in_force_on", "order")]),
    ({"ratified_on": "2025-07-30", "acceded_on": "2025-07-30"}, [("/acceded_on", "either")]),
    ({"status": "observer", "ratified_on": "2025-07-30"}, [("/ratified_on", "observer")]),
    ({"status": "observer", "acceded_on": "2025-07-30"}, [("/acceded_on", "observer")]),
    ({"status": "observer", "in_force_on": "2025-08-29"}, [("/in_force_on", "observer")]),
    (
        {"status": "observer", "signed_on": "2025-09-01", "acceded_on": "2025-07-30", "in_force_on": "2025-07-01"},
        [
            ("/acceded_on", "observer"),
            ("/in_force_on", "observer"),
            ("/acceded_on", "order"),
            ("/in_force_on", "order"),
        ],
    ),
    (
        {"declarations": [{"subjects": ["fisheries"], "from_on": "2026-01-02", "until_on": "2026-01-01"}]},
        [("/declarations/0/until_on", "order")],
    ),
    ({"declarations": [{"subjects": ["witchcraft"]}]}, [("/declarations/0/subjects", "unknown-subject")]),
    ({"declarations": [{"subjects": ["fisheries"]}] * 51}, [("/declarations", "too-long")]),
    ({"designations": [MINA, {**MINA, "until_on": "2025-09-14"}]}, [("/designations/1/until_on", "order")]),
    ({"designations": [{"name": "Mina Datar"}]}, [("/designations/0/designated_on", "missing")]),
    ({"designations": [{**MINA, "user_id": "x"}]}, [("/designations/0/user_id", "unknown-field")]),
    ({"designations": [{**MINA, "name": "Mina\nDatar"}]}, [("/designations/0/name", "text-line")]),
    ({"designations": [MINA] * 101}, [("/designations", "too-long")]),
    ({"calendar": "Scotland"}, [("/calendar", "calendar")]),
    (
        {"status": "contracting", "in_force_on": "2025-09-19", "ceases_on": "2025-09-19"},
        [("/ceases_on", "order")],
    ),
    ({"ceases_on": "2027-07-25"}, [("/ceases_on", "order")]),
    (
        {"status": "contracting", "in_force_on": "2025-09-19", "withdrawal_notified_on": "2027-01-24"},
        [("/withdrawal_notified_on", "order")],
    ),
    (
        {
            "status": "contracting",
            "in_force_on": "2025-09-19",
            "withdrawal_notified_on": "2027-07-26",
            "ceases_on": "2027-07-25",
        },
        [("/withdrawal_notified_on", "order")],
    ),
    (
        {"status": "contracting", "in_force_on": "2030-01-01", "earlier_periods": [{}]},
        [
            ("/earlier_periods/0/in_force_on", "missing"),
            ("/earlier_periods/0/ceases_on", "missing"),
        ],
    ),
    (
        {
            "status": "contracting",
            "in_force_on": "2027-07-24",
            "earlier_periods": [{"in_force_on": "2025-09-19", "ceases_on": "2027-07-25"}],
        },
        [("/earlier_periods", "order")],
    ),
    (
        {"earlier_periods": [{"in_force_on": "2025-09-19", "ceases_on": "2027-07-25"}]},
        [("/earlier_periods", "order")],
    ),
    ({"calendar": "Scotland"}, [("/calendar", "calendar")]),
    ({"calendar": "XX"}, [("/calendar", "calendar")]),
    ({"standing": "rumour"}, [("/standing", "literal-error")]),
    ({"standing": "text"}, [("/source", "source-needed")]),
    ({"standing": "secondary"}, [("/source", "source-needed")]),
    ({"standing": "unverified"}, [("/source", "source-needed")]),
    ({"source": ""}, [("/source", "string-too-short")]),
]


@pytest.mark.parametrize(("changes", "expected"), FAULTS)
def test_an_impossible_entry_is_refused_with_each_of_its_faults(
    house: House, changes: Json, expected: list[tuple[str, str]]
) -> None:
    body = house.admin.post("/v1/members", {**SIGNATORY, **changes}).expect(422, "invalid")
    assert [(fault["pointer"], fault["code"]) for fault in body["errors"]] == expected


# The largest values within each of the limits above.
KEPT: list[Json] = [
    {"signed_on": "2025-05-30", "ratified_on": "2025-05-30"},
    {"acceded_on": "2025-05-30"},
    {"status": "contracting", "acceded_on": "2025-08-29", "in_force_on": "2025-08-29"},
    {"status": "observer", "kind": "organisation"},
    {"declarations": [{"subjects": ["fisheries"], "from_on": "2026-01-01", "until_on": "2026-01-01"}]},
    {"declarations": [{"subjects": ["fisheries"]}] * 50, "designations": [MINA] * 100},
    {"designations": [{**MINA, "until_on": "2025-09-15"}], "calendar": "HK"},
    {"standing": "institution"},
    {"standing": "unverified", "source": "general knowledge"},
    {"source": "Notification of the depositary"},
]


@pytest.mark.parametrize("fields", KEPT)
def test_an_entry_at_its_limits_is_accepted(house: House, fields: Json) -> None:
    made = house.admin.post("/v1/members", {**SIGNATORY, **fields}).expect(201)
    assert {name: made[name] for name in fields if name not in ("declarations", "designations")} == {
        name: value for name, value in fields.items() if name not in ("declarations", "designations")
    }


def test_an_entry_is_read_as_it_was_written(house: House) -> None:
    made = house.admin.post("/v1/members", WHOLE).expect(201)
    assert made == {"id": made["id"], **WHOLE}
    assert house.person("Any Body").get(f"/v1/members/{made['id']}").expect(200) == made


def changed(house: House, path: str, fields: Json) -> Json:
    """The entry after an administrator's change."""
    return dict(house.admin.patch(path, fields, if_match=house.admin.get(path).headers["etag"]).expect(200))


def test_a_change_needs_the_current_version_and_a_valid_result(house: House) -> None:
    path = f"/v1/members/{house.admin.post('/v1/members', WHOLE).expect(201)['id']}"
    tag = house.admin.get(path).headers["etag"]
    house.admin.patch(path, {"founding": False}).expect(428)
    house.admin.patch(path, {"founding": False}, if_match='"x"').expect(412)
    table: list[tuple[Json, str, str]] = [
        ({"signed_on": "2025-07-31"}, "/ratified_on", "order"),
        ({"ratified_on": "2025-08-30"}, "/in_force_on", "order"),
        ({"acceded_on": "2025-07-30"}, "/acceded_on", "either"),
        ({"in_force_on": None}, "/in_force_on", "in-force"),
        ({"status": "observer", "ratified_on": None}, "/in_force_on", "observer"),
        ({"source": None}, "/source", "source-needed"),
        ({"name": None}, "/name", "text"),
        ({"status": None}, "/status", "literal-error"),
        ({"founding": None}, "/founding", "bool-type"),
        ({"declarations": None}, "/declarations", "list-type"),
        ({"designations": [{**MINA, "until_on": "2025-01-01"}]}, "/designations/0/until_on", "order"),
    ]
    for fields, pointer, code in table:
        (fault,) = house.admin.patch(path, fields, if_match=tag).expect(422, "invalid")["errors"]
        assert (fault["pointer"], fault["code"]) == (pointer, code)
    assert house.admin.get(path).headers["etag"] == tag
    house.admin.patch(path, {"designations": [], "calendar": None}, if_match=tag).expect(200)
    house.admin.patch(path, {"founding": False}, if_match=tag).expect(412)
    stands = house.admin.get(path).expect(200)
    assert stands == {**WHOLE, "id": stands["id"], "designations": [], "calendar": None}


def test_only_administrators_write_and_every_account_reads(house: House, dispute: Dispute) -> None:
    dispute.lodged()
    path = f"/v1/members/{dispute.members[0]}"
    tag = house.admin.get(path).headers["etag"]
    before = house.admin.get(f"{path}/history").expect(200)
    for somebody in (dispute.requesting, dispute.responding, dispute.mediator, house.registrar):
        somebody.post("/v1/members", SIGNATORY).expect(403, "forbidden")
        somebody.patch(path, {"founding": True}, if_match=tag).expect(403, "forbidden")
        somebody.patch(path, {"founding": True}, if_match='"x"').expect(403, "forbidden")
        assert somebody.get(f"{path}/history").expect(200) == before
        assert len(somebody.get("/v1/members").expect(200)["items"]) == 2
    nobody = house.person_with_token("Nobody", "", "none")
    for place in ("/v1/members", path, f"{path}/history"):
        nobody.get(place).expect(401)


def test_the_history_shows_each_change_with_its_old_and_new_values(house: House) -> None:
    made = house.admin.post("/v1/members", SIGNATORY).expect(201)
    path = f"/v1/members/{made['id']}"
    house.member("Kingdom of Vedria")
    house.clock.pass_by(days=1)
    bound = {"status": "contracting", "ratified_on": "2026-02-01", "in_force_on": "2026-03-03"}
    changed(house, path, {**bound, "founding": False, "name": "Republic of Ostrava"})
    house.clock.pass_by(days=1)
    declared = {"subjects": ["fisheries"], "from_on": "2026-03-05", "until_on": None}
    changed(house, path, {"declarations": [declared]})
    house.clock.pass_by(days=1)
    house.person("Late Comer")
    changed(house, path, {"declarations": [{**declared, "until_on": "2026-12-31"}], "name": "Ostrava"})
    # A change that alters nothing is not recorded.
    changed(house, path, {"name": "Ostrava"})
    nothing: tuple[str, ...] = (
        "signed_on",
        "ratified_on",
        "acceded_on",
        "in_force_on",
        "calendar",
        "standing",
        "source",
    )
    nothing += ("withdrawal_notified_on", "ceases_on")
    lists: Json = {"declarations": [], "designations": [], "earlier_periods": []}
    entered: Json = {**SIGNATORY, **dict.fromkeys(nothing), "founding": False, **lists}
    expected: list[Json] = [
        {
            "at": "2026-03-02T09:00:00Z",
            "act": "enter",
            "changes": {name: {"before": None, "after": value} for name, value in entered.items()},
            "article": None,
        },
        {
            "at": "2026-03-03T09:00:00Z",
            "act": "change",
            "changes": {
                "status": {"before": "signatory", "after": "contracting"},
                "ratified_on": {"before": None, "after": "2026-02-01"},
                "in_force_on": {"before": None, "after": "2026-03-03"},
            },
            "article": None,
        },
        {
            "at": "2026-03-04T09:00:00Z",
            "act": "change",
            "changes": {"declarations": {"before": [], "after": [declared]}},
            "article": None,
        },
        {
            "at": "2026-03-05T09:00:00Z",
            "act": "change",
            "changes": {
                "name": {"before": "Republic of Ostrava", "after": "Ostrava"},
                "declarations": {"before": [declared], "after": [{**declared, "until_on": "2026-12-31"}]},
            },
            "article": None,
        },
    ]
    reader = house.person("Any Body")
    assert reader.get(f"{path}/history").expect(200) == {"items": expected, "next": None}
    assert reader.get(f"{path}/history?limit=1&count=true").expect(200)["count"] == {"total": 4, "capped": False}
    paged, following = [], f"{path}/history?limit=3"
    while following:
        page = reader.get(following).expect(200)
        paged += page["items"]
        following = f"{path}/history?limit=3&after={page['next']}" if page["next"] else ""
    assert paged == expected
    reader.get("/v1/members/00000000-0000-4000-8000-00000000dead/history").expect(404)


def test_an_entry_of_an_earlier_release_shows_what_it_recorded(house: House) -> None:
    member = house.member("Kingdom of Vedria")

    def as_before(db: GatedSession) -> None:
        payload = {"member_id": member, "status": "signatory", "declarations": []}
        subject = installation_subject(db, "public")
        ledger.record(db, Act("enter", house.clock.now, OPERATOR, subject), "member-entered", payload)
        # That release recorded every field that was sent, whether its value was new or not.
        recorded_change = {
            "before": {"status": "signatory", "founding": False},
            "after": {"status": "observer", "founding": False},
        }
        told_of = {"member_id": member, **recorded_change}
        ledger.record(db, Act("change", house.clock.now, OPERATOR, subject), "member-changed", told_of)
        ledger.seal(db)

    house.database.in_transaction(as_before, os.urandom)
    items = house.admin.get(f"/v1/members/{member}/history").expect(200)["items"]
    assert [item["changes"] for item in items[1:]] == [
        {"status": {"before": None, "after": "signatory"}, "declarations": {"before": None, "after": []}},
        {"status": {"before": "signatory", "after": "observer"}},
    ]


REGISTER: dict[str, Json] = {
    "o": {"name": "Républic of Ostrava", "status": "contracting", "in_force_on": "2025-08-29", "founding": True},
    "v": {"name": "Kingdom of Vedria", "status": "contracting", "in_force_on": "2025-08-30"},
    "s": {"name": "100% Soli_", "status": "signatory", "signed_on": "2025-05-30", "founding": True},
    "m": {"name": "River Commission", "status": "observer", "kind": "organisation"},
}
FILTERS = {
    "status=contracting": "ov",
    "status=signatory": "s",
    "status=observer": "m",
    "founding=true": "os",
    "founding=false": "vm",
    "kind=state": "ovs",
    "kind=organisation": "m",
    "bound_on=2025-08-28": "",
    "bound_on=2025-08-29": "o",
    "bound_on=2025-08-30": "ov",
    "q=KINGDOM": "v",
    "q=RÉPUBLIC": "o",
    "q=ri": "vm",
    "q=%25": "s",
    "q=_": "s",
    "q=nothing like it": "",
    "founding=true&status=contracting": "o",
    "q=of&bound_on=2026-01-01&founding=false": "v",
}


def test_members_are_filtered_by_each_filter_and_paged(house: House) -> None:
    ids = {}
    for key, member in REGISTER.items():
        ids[house.admin.post("/v1/members", {"kind": "state", **member}).expect(201)["id"]] = key
        house.clock.pass_by(minutes=1)
    reader = house.person("Any Body")

    def found(query: str) -> str:
        keys, following = "", f"/v1/members?limit=1&{query}"
        while following:
            answer = reader.get(following)
            keys += "".join(ids[item["id"]] for item in answer.expect(200)["items"])
            following = answer.headers["link"].partition(">")[0].strip("<") if "link" in answer.headers else ""
        page = reader.get(f"/v1/members?count=true&{query}").expect(200)
        assert page["count"] == {"total": len(keys), "capped": False}
        return keys

    assert found("") == "ovsm"
    assert {query: found(query) for query in FILTERS} == FILTERS


@pytest.mark.parametrize(
    "bad",
    ["status=member", "kind=city", "founding=perhaps", "bound_on=soon", "bound_on=2026-02-30", "q=", "name=Vedria"],
)
def test_a_filter_with_an_unknown_value_is_refused(house: House, bad: str) -> None:
    (fault,) = house.registrar.get(f"/v1/members?{bad}").expect(422, "invalid")["errors"]
    assert fault["pointer"] in (f"query/{bad.partition('=')[0]}", "query")


# A State for which the convention came into force on 19 September 2025, and whose notice of withdrawal was received on
# 24 January 2027: the withdrawal takes effect on 25 July.
LEAVES: Json = {"withdrawal_notified_on": "2027-01-24", "ceases_on": "2027-07-25"}


def bound_on(house: House, *days: str) -> list[int]:
    """How many members are bound on each of these days."""
    return [len(house.registrar.get(f"/v1/members?bound_on={day}").expect(200)["items"]) for day in days]


def test_a_membership_ends_on_the_day_on_which_the_withdrawal_takes_effect(house: House) -> None:
    path = f"/v1/members/{house.member('Republic of Ostrava', in_force_on='2025-09-19')}"
    after = changed(house, path, LEAVES)
    assert (after["status"], after["in_force_on"]) == ("contracting", "2025-09-19")
    assert {name: after[name] for name in LEAVES} == LEAVES
    assert bound_on(house, "2025-09-18", "2026-01-01", "2027-07-24", "2027-07-25") == [0, 1, 1, 0]
    # It takes part as an observer from then on: its entry still states when it was bound.
    observes = changed(house, path, {"status": "observer"})
    assert (observes["in_force_on"], observes["ceases_on"]) == ("2025-09-19", "2027-07-25")
    assert bound_on(house, "2027-07-24", "2027-07-25") == [1, 0]


def test_a_second_membership_does_not_overwrite_the_first(house: House) -> None:
    bound: Json = {"ratified_on": "2025-08-20", "in_force_on": "2025-09-19"}
    path = f"/v1/members/{house.member('Republic of Ostrava', **bound)}"
    changed(house, path, LEAVES)
    returned = {"acceded_on": "2030-01-02", "in_force_on": "2030-02-01"}
    after = changed(house, path, returned)
    first = {**bound, **LEAVES, "acceded_on": None}
    assert after["earlier_periods"] == [first]
    latest = {**dict.fromkeys(first), **returned}
    assert {name: after[name] for name in latest} == latest
    days = ("2025-09-18", "2025-09-19", "2027-07-24", "2027-07-25", "2030-01-31", "2030-02-01", "2040-01-01")
    assert bound_on(house, *days) == [0, 1, 1, 0, 0, 1, 1]
    # A day that was entered wrongly is corrected; no period is added by that.
    corrected = changed(house, path, {"in_force_on": "2030-02-03"})
    assert (corrected["in_force_on"], corrected["earlier_periods"]) == ("2030-02-03", [first])
    last = house.registrar.get(f"{path}/history?limit=200").expect(200)["items"][-2]
    assert last["changes"]["earlier_periods"] == {"before": [], "after": [first]}


def test_the_screening_counts_whether_the_state_is_bound_on_its_day(house: House, dispute: Dispute) -> None:
    # Lodged on 2 March; the withdrawal takes effect on 6 March.
    dispute.consented()
    in_time = Dispute(house, "2")
    in_time.members = dispute.members
    in_time.consented()
    leaves = {"withdrawal_notified_on": "2025-09-05", "ceases_on": "2026-03-06"}
    changed(house, f"/v1/members/{dispute.members[1]}", leaves)
    consents = dispute.requesting.get(f"{dispute.path}/consents").expect(200)["items"]
    assert len(consents) == 2
    house.clock.pass_by(days=3)
    in_time.step(dispute.registrar, "screen").expect(200)
    for days, today in ((1, "2026-03-06"), (7, "2026-03-13")):
        # The rules ask for a contracting State on the day of the screening, also where the request came before.
        house.clock.pass_by(days=days)
        (reason,) = dispute.step(dispute.registrar, "screen").expect(409, "need-not-met")["reasons"]
        assert reason["code"] == "contracting-states"
        assert reason["detail"] == (
            f"Kingdom of Vedria is not a contracting State on {today}: the convention ceased to be in force for it on"
            " 2026-03-06."
        )
    assert dispute.requesting.get(f"{dispute.path}/consents").expect(200)["items"] == consents
    # The registry enters a screening of the last day that it did not record in time.
    earlier = {"on": "2026-03-05", "reason": "Screened on the 5th, and entered late."}
    dispute.step(dispute.registrar, "screen", earlier).expect(200)


# Requests are lodged on 2 March 2026.
DECLARED: dict[str, tuple[Json, bool]] = {
    "begins on the next day": ({"from_on": "2026-03-03"}, False),
    "begins on the day": ({"from_on": "2026-03-02"}, True),
    "ended on the day before": ({"from_on": "2026-01-01", "until_on": "2026-03-01"}, False),
    "ends on the day": ({"from_on": "2026-01-01", "until_on": "2026-03-02"}, True),
    "has no end": ({"from_on": "2026-01-01"}, True),
}


def screened(dispute: Dispute) -> list[str]:
    """The reasons why the request fails the screening; empty if it passed."""
    answer = dispute.step(dispute.registrar, "screen")
    return [] if answer.status == 200 else [reason["code"] for reason in answer.expect(409)["reasons"]]


@pytest.mark.parametrize("when", DECLARED)
def test_a_declaration_is_judged_on_the_day_of_the_request(house: House, dispute: Dispute, when: str) -> None:
    days, excludes = DECLARED[when]
    declared = [{"subjects": ["water-allocation"], **days}]
    dispute.members[1] = house.member("Vedria as declared", declarations=declared)
    dispute.consented()
    house.clock.pass_by(days=10)
    assert screened(dispute) == (["no-excluded-subject"] if excludes else [])


def test_a_declaration_withdrawn_after_the_request_still_excludes_it(house: House, dispute: Dispute) -> None:
    declared: Json = {"subjects": ["water-allocation"], "from_on": "2026-01-01"}
    dispute.members[1] = house.member("Vedria as declared", declarations=[declared])
    dispute.consented()
    path = f"/v1/members/{dispute.members[1]}"
    house.clock.pass_by(days=3)
    changed(house, path, {"declarations": [{**declared, "until_on": "2026-03-05"}]})
    house.clock.pass_by(days=3)
    assert screened(dispute) == ["no-excluded-subject"]
    later = Dispute(house, "2")
    later.members[1] = dispute.members[1]
    later.consented()
    assert screened(later) == []


def loaded(house: House, name: str = "iomed") -> loader.LoadedMembers:
    """Load a list of members as the command line does."""

    def act(db: GatedSession) -> loader.LoadedMembers:
        counts = loader.load(db, house.clock.now, name, OPERATOR)
        ledger.seal(db)
        return counts

    return house.database.in_transaction(act, os.urandom)


def entries(house: House) -> dict[str, Json]:
    """Every entry by name."""
    return {member["name"]: member for member in house.registrar.get("/v1/members?limit=200").expect(200)["items"]}


def test_the_shipped_members_are_entered_once_and_change_no_existing_entry(house: House) -> None:
    own = house.member("Kenya", standing="institution")
    number = len(loader.members_of("iomed"))
    house.clock.pass_by(days=1)
    assert loaded(house) == loader.LoadedMembers(entered=number - 1, unchanged=1)
    first = entries(house)
    assert len(first) == number
    assert (first["Kenya"]["id"], first["Kenya"]["status"]) == (own, "contracting")
    assert loaded(house) == loader.LoadedMembers(entered=0, unchanged=number)
    assert entries(house) == first
    (entry,) = house.admin.get(f"/v1/members/{first['China']['id']}/history").expect(200)["items"]
    assert (entry["at"], entry["act"]) == ("2026-03-03T09:00:00Z", "enter")
    assert entry["changes"]["standing"] == {"before": None, "after": "secondary"}
    with house.database.read(os.urandom) as db:
        assert verify(db).faults == ()


def test_an_unknown_list_of_members_is_refused(house: House) -> None:
    with pytest.raises(Misconfigured, match="Choose one of: iomed"):
        loaded(house, "../subjects")


def test_members_cannot_be_entered_before_the_institution_is_founded(settings: Settings) -> None:
    database = guarded(settings)
    try:
        with pytest.raises(Misconfigured, match="no institution yet"):
            database.in_transaction(lambda db: loader.load(db, START, "iomed", OPERATOR), os.urandom)
    finally:
        database.dispose()


def test_the_shipped_members_state_only_what_is_established() -> None:
    assert loader.file_names() == ("iomed",)
    members = loader.members_of("iomed")
    assert len({member.name for member in members}) == len(members)
    stated: dict[str, Any] = {}
    for member in members:
        assert MemberIn.model_validate(member.model_dump(mode="json")).source
        assert member.standing == "secondary"
        stated[member.name] = member.model_dump(
            mode="json", exclude={"name", "standing", "source"}, exclude_defaults=True
        )
    china = stated.pop("China")
    assert china == {
        "kind": "state",
        "status": "contracting",
        "ratified_on": "2025-06-27",
        "in_force_on": "2025-08-29",
    }
    assert list(stated.values()) == [{"kind": "state", "status": "signatory"}] * 14
