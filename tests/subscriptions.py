"""Subscriptions to webhooks, as tests make and read them."""

from tests.installation import Json, Person
from tests.story import Dispute


def subscribe(person: Person, url: str, **more: object) -> Json:
    """A subscription with its secret."""
    return dict(person.post("/v1/webhooks", {"url": url, **more}).expect(201))


def path(made: Json) -> str:
    """Where a subscription is read."""
    return f"/v1/webhooks/{made['id']}"


def change(person: Person, made: Json, **changes: object) -> Json:
    """Change a subscription as it stands."""
    tag = person.get(path(made)).headers["etag"]
    return dict(person.patch(path(made), changes, if_match=tag).expect(200))


def deliveries(person: Person, made: Json, more: str = "") -> list[Json]:
    """What was sent, or is to be."""
    return list(person.get(f"{path(made)}/deliveries?limit=200{more}").expect(200)["items"])


def retitle(dispute: Dispute, title: str) -> None:
    """Something that all participants are told of."""
    dispute.requesting.patch(dispute.path, {"title": title}, if_match="*").expect(200)
