"""API clients exchange an id and a secret for a token of fifteen minutes, and do no more than their scopes permit."""

import pytest

from app.core.access.scopes import NEEDED, OPEN
from tests.core.http.operations import EVERY, OPERATIONS
from tests.courts import basic_authorization, client, court, program, request_token, token
from tests.installation import Answer, House, Json, Person
from tests.registries import EmptyRegistry

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def made(house: House) -> Json:
    """A court's client with its secret."""
    return client(house, court(house), ["events.read", "referrals.read"])


def with_token(house: House, made: Json, access_token: str) -> Person:
    """A client that sends that token."""
    return house.person_with_token(made["name"], made["id"], access_token)


def refused(answer: Answer, status: int, error: str) -> None:
    """The refusal of a token with OAuth's error code, which no cache stores."""
    assert answer.expect(status)["error"] == error
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_secret_is_shown_once_and_gets_a_token_from_the_header_or_the_form(house: House, made: Json) -> None:
    shown = {"client_id": made["id"], "client_secret": made["client_secret"]}
    for form, headers in ((GRANT, basic_authorization(made["id"], made["client_secret"])), ({**GRANT, **shown}, None)):
        answer = request_token(house, form, headers)
        granted = answer.expect(200)
        assert answer.headers["cache-control"] == "no-store"
        assert granted["token_type"] == "Bearer"
        assert granted["expires_in"] == 900
        assert granted["scope"] == "events.read referrals.read"
        with_token(house, made, granted["access_token"]).get("/v1/events").expect(200)
    for path in ("/v1/clients", f"/v1/clients/{made['id']}"):
        listed = house.registrar.get(path)
        assert listed.status == 200
        assert made["client_secret"] not in listed.response.text
        assert "sha256" not in listed.response.text


def test_requests_that_oauth_forbids_are_refused_with_oauths_error_codes(house: House, made: Json) -> None:
    right = basic_authorization(made["id"], made["client_secret"])
    secret = {"client_secret": made["client_secret"]}
    other = client(house, None, ["events.read"])
    wrong: list[tuple[Json, dict[str, str] | None, int, str]] = [
        ({}, right, 400, "invalid_request"),
        ({"grant_type": ["client_credentials", "password"]}, right, 400, "invalid_request"),
        ({**GRANT, **secret}, right, 400, "invalid_request"),
        ({**GRANT, "client_id": other["id"]}, right, 400, "invalid_request"),
        ({"grant_type": "password"}, right, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, right, 400, "unsupported_grant_type"),
        ({**GRANT, "scope": "referrals.write"}, right, 400, "invalid_scope"),
        ({**GRANT, "scope": "everything"}, right, 400, "invalid_scope"),
        ({**GRANT, "resource": "https://elsewhere.example"}, right, 400, "invalid_target"),
        ({**GRANT, "audience": "https://elsewhere.example"}, right, 400, "invalid_target"),
        (GRANT, None, 401, "invalid_client"),
        ({**GRANT, "client_id": made["id"]}, None, 401, "invalid_client"),
        (GRANT, basic_authorization(made["id"], "wrong"), 401, "invalid_client"),
        (GRANT, basic_authorization(made["id"], other["client_secret"]), 401, "invalid_client"),
        (GRANT, basic_authorization("no id", made["client_secret"]), 401, "invalid_client"),
        (GRANT, basic_authorization(made["id"], "é\u0000\U0001f600"), 401, "invalid_client"),
        ({**GRANT, "client_id": "é", "client_secret": "é"}, None, 401, "invalid_client"),
        (GRANT, {"authorization": "Basic !!!"}, 401, "invalid_client"),
        (GRANT, {"authorization": "Basic /////w=="}, 401, "invalid_client"),
        (GRANT, {"authorization": "Basic " + "f" * 10_000}, 401, "invalid_client"),
        (GRANT, {"authorization": f"Bearer {house.admin.token}"}, 401, "invalid_client"),
    ]
    for form, headers, status, error in wrong:
        refused(request_token(house, form, headers), status, error)
    for body, kind in ((b"{}", "application/json"), (b"\xff", "application/x-www-form-urlencoded")):
        sent = house.client.post("/oauth/token", content=body, headers={**right, "content-type": kind})
        refused(Answer(sent), 400, "invalid_request")
    for resource in ("http://accord.test", "http://accord.test/", "http://accord.test/v1"):
        request_token(house, {**GRANT, "resource": resource}, right).expect(200)


def test_guesses_of_secrets_are_limited(empty_registry: EmptyRegistry) -> None:
    # A limit of its own: the tests share apps with equal settings, and their counts with them.
    with House.open(empty_registry().model_copy(update={"anonymous_per_minute": 9})) as house:
        made = client(house, None, ["events.read"])
        holder = with_token(house, made, token(house, made))
        holder.get("/v1/events").expect(200)
        for turn in range(9):
            refused(
                request_token(house, GRANT, basic_authorization(made["id"], f"guess {turn}")), 401, "invalid_client"
            )
        answer = request_token(house, GRANT, basic_authorization(made["id"], "guess 10"))
        answer.expect(429, "too-many-requests")
        assert answer.headers["retry-after"]
        holder.get("/v1/events").expect(200)
        # Its secret was valid before, so guesses at its address do not keep it from its next token.
        again = with_token(house, made, token(house, made))
        again.get("/v1/events").expect(200)


def test_guesses_of_tokens_do_not_keep_a_client_at_their_address_out(empty_registry: EmptyRegistry) -> None:
    with House.open(empty_registry().model_copy(update={"anonymous_per_minute": 11})) as house:
        made = client(house, None, ["events.read"])
        stranger = house.person_with_token("No Body", "", "accord_" + "A" * 43)
        assert [stranger.get("/v1/me").status for _attempt in range(12)] == [401] * 11 + [429]
        with_token(house, made, token(house, made)).get("/v1/events").expect(200)


def test_the_token_endpoint_is_published(house: House) -> None:
    metadata = Answer(house.client.get("/.well-known/oauth-authorization-server")).expect(200)
    assert metadata["issuer"] == "http://accord.test"
    assert metadata["token_endpoint"] == "http://accord.test/oauth/token"
    assert metadata["grant_types_supported"] == ["client_credentials"]
    assert set(metadata["scopes_supported"]) >= {"referrals.read", "events.read"}


def test_a_token_ends_after_exactly_fifteen_minutes(house: House, made: Json) -> None:
    holder = with_token(house, made, token(house, made))
    house.clock.pass_by(minutes=14, seconds=59)
    holder.get("/v1/events").expect(200)
    house.clock.pass_by(seconds=1)
    holder.get("/v1/events").expect(401, "unauthenticated")
    with_token(house, made, token(house, made)).get("/v1/events").expect(200)


def test_two_secrets_work_during_a_rotation_and_revoking_one_ends_its_tokens(house: House, made: Json) -> None:
    path = f"/v1/clients/{made['id']}"
    first = with_token(house, made, token(house, made))
    house.clock.pass_by(minutes=1)
    second = house.admin.post(f"{path}/rotate").expect(200)
    assert second["client_secret"] != made["client_secret"]
    following = with_token(house, made, token(house, second))
    house.admin.post(f"{path}/rotate").expect(409, "two-secrets")
    for holder in (first, following):
        holder.get("/v1/events").expect(200)
    old = second["secrets"][0]["id"]
    assert all(secret["used_at"] is not None for secret in house.admin.get(path).expect(200)["secrets"])
    house.admin.post(f"{path}/secrets/{old}/revoke").expect(200)
    first.get("/v1/events").expect(401, "unauthenticated")
    following.get("/v1/events").expect(200)
    refused(request_token(house, GRANT, basic_authorization(made["id"], made["client_secret"])), 401, "invalid_client")
    house.admin.post(f"{path}/secrets/{old}/revoke").expect(409, "already-revoked")
    third = house.admin.post(f"{path}/rotate").expect(200)
    with_token(house, made, token(house, third)).get("/v1/events").expect(200)


def test_a_disabled_client_is_refused_from_the_next_request_on(house: House, made: Json) -> None:
    holder = with_token(house, made, token(house, made))
    ended = house.admin.post(f"/v1/clients/{made['id']}/disable").expect(200)
    assert not ended["active"]
    assert ended["disabled_at"]
    holder.get("/v1/events").expect(401, "unauthenticated")
    refused(request_token(house, GRANT, basic_authorization(made["id"], made["client_secret"])), 401, "invalid_client")
    for act in ("rotate", "disable"):
        house.admin.post(f"/v1/clients/{made['id']}/{act}").expect(409, "already-disabled")


def test_an_invalid_token_is_refused_before_a_missing_scope_and_a_missing_scope_before_a_hidden_item(
    house: House,
) -> None:
    made = client(house, court(house), ["events.read"])
    narrow = with_token(house, made, token(house, made))
    nobody = with_token(house, made, "accord_client." + "A" * 43)
    for id, operation in OPERATIONS.items():
        headers = {"if-match": '"stale"'}
        assert nobody.token.startswith("accord_client.")
        operation.send(nobody, json=operation.example, headers=headers).expect(401, "unauthenticated")
        answer = operation.send(narrow, json=operation.example, headers=headers)
        if NEEDED.get(id) == "events.read" or id in OPEN:
            continue
        if id in NEEDED:
            answer.expect(403, "insufficient-scope")
            challenge = f'Bearer realm="accord", error="insufficient_scope", scope="{NEEDED[id]}"'
            assert answer.headers["www-authenticate"] == challenge
        elif operation.has_ids:
            answer.expect(404, "not-found")
        else:
            answer.expect(403, "forbidden")


def test_a_client_with_every_scope_cannot_use_operations_without_a_scope(house: House) -> None:
    for holder in (program(house, court(house)), program(house, None)):
        for id, operation in OPERATIONS.items():
            if id not in (*NEEDED, *OPEN):
                answer = operation.send(holder, json=operation.example, headers={"if-match": '"stale"'})
                assert answer.status == (404 if operation.has_ids else 403), (id, answer.response.text)


def test_every_client_reads_the_codes_that_it_sends(house: House) -> None:
    person = house.person("Olga Strand")
    for scopes in (["referrals.write"], ["events.read"]):
        made = client(house, court(house, name=scopes[0]), scopes)
        holder = with_token(house, made, token(house, made))
        for path in ("/v1/subjects", "/v1/procedures", "/v1/procedures/court-referred"):
            assert holder.get(path).expect(200) == person.get(path).expect(200)
        holder.get("/v1/members").expect(403, "forbidden")


def test_a_token_may_be_narrower_than_its_client(house: House, made: Json) -> None:
    narrow = with_token(house, made, token(house, made, "referrals.read"))
    narrow.get("/v1/events").expect(403, "insufficient-scope")


def test_only_administrators_register_clients_and_a_clients_court_must_exist(house: House, made: Json) -> None:
    body = {"name": "x", "scopes": ["events.read"]}
    stranger = house.person("Stan Ranger")
    for person in (house.registrar, stranger):
        person.post("/v1/clients", body).expect(403)
        person.post("/v1/courts", {"name": "x", "jurisdiction": "x", "place": "x", "time_zone": "UTC"}).expect(403)
    house.registrar.post(f"/v1/clients/{made['id']}/rotate").expect(403)
    stranger.post(f"/v1/clients/{made['id']}/rotate").expect(404)
    stranger.get("/v1/clients").expect(403)
    nowhere = "00000000-0000-4000-8000-00000000dead"
    wrongs: list[Json] = [{"court_id": nowhere}, {"scopes": []}, {"scopes": ["all"]}, {"scopes": ["events.read"] * 2}]
    for wrong in wrongs:
        house.admin.post("/v1/clients", {**body, **wrong}).expect(422, "invalid")
    house.admin.post("/v1/clients", body, idempotency_key="k").expect(422, "invalid")


def test_the_institution_receives_the_events_of_clients_without_their_secrets(house: House, made: Json) -> None:
    house.admin.post(f"/v1/clients/{made['id']}/disable").expect(200)
    answer = house.registrar.get("/v1/events?limit=200")
    types = [item["type"] for item in answer.expect(200)["items"]]
    assert [type_name for type_name in types if type_name.startswith(("client-", "court-"))] == [
        "court-entered",
        "client-added",
        "client-secret-issued",
        "client-disabled",
    ]
    assert made["client_secret"] not in answer.response.text


def test_every_scope_permits_existing_operations(house: House) -> None:
    assert set(NEEDED) <= set(EVERY)
    document = house.client.get("/v1/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            scope = NEEDED.get(operation["operationId"])
            named = [scheme["client"] for scheme in operation["security"] if "client" in scheme]
            assert named == ([[scope]] if scope else [[]] if operation["operationId"] in OPEN else [])
    flow = document["components"]["securitySchemes"]["client"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "/oauth/token"
    assert set(NEEDED.values()) <= set(flow["scopes"])
