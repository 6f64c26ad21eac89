"""Compares the court's notes with Accord and lists every difference."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.integration.client import Accord, Json
from app.integration.court_in_a_box.store import ReceivedEvent, SentReferral, Store

# Fields that must come back as they were sent, and fields that must equal what the court last read.
SENT = ("case_number", "title", "external")
SEEN = ("id", "state", "case_id", "phase", "return_on", "suspensions", "sessions", "answer", "report")


def differences(accord: Accord, store: Store) -> list[str]:
    """List every difference in a sentence: missed or unknown events and referrals, stale fields, wrong order.

    Uses the public API only: the list of referrals, and the feed from its beginning.
    """
    feed = [event for stretch in accord.follow(wait=0) for event in stretch.items]
    since = store.note("subscribed_after")
    due = [event for stretch in accord.follow(since, wait=0) for event in stretch.items] if since else None
    return [
        *_of_referrals(list(accord.referrals()), store.referrals()),
        *_of_events(feed, due, store.events()),
    ]


def _of_referrals(at_accord: Sequence[Json], sent: Sequence[SentReferral]) -> Iterator[str]:
    names = [referral["external_id"] for referral in at_accord]
    sent_names = {referral.external_id for referral in sent}
    for name in sorted(set(names)):
        if name not in sent_names:
            yield f"Referral {name}: Accord has it, and this court has no record of it."
        if names.count(name) > 1:
            yield f"Referral {name}: Accord has it {names.count(name)} times."
    for mine in sent:
        theirs = next((referral for referral in at_accord if referral["external_id"] == mine.external_id), None)
        if theirs is None:
            yield f"Referral {mine.external_id}: Accord does not have it."
            continue
        for name in SENT:
            if mine.sent[name] != theirs[name]:
                yield _field_difference(mine, name, mine.sent[name], theirs[name])
        for name in SEEN if mine.seen is not None else ():
            if mine.seen is not None and mine.seen[name] != theirs[name]:
                yield _field_difference(mine, name, mine.seen[name], theirs[name])


def _field_difference(mine: SentReferral, name: str, here: Any, there: Any) -> str:
    return f"Referral {mine.external_id}: '{name}' is {here!r} here and {there!r} at Accord."


def _of_events(feed: Sequence[Json], due: Sequence[Json] | None, received: Sequence[ReceivedEvent]) -> Iterator[str]:
    received_by_id, feed_ids = {event.id: event for event in received}, {event["id"] for event in feed}
    for event in feed:
        if event["id"] not in received_by_id:
            yield f"{_named(event)} is in Accord's feed, and never came."
        elif received_by_id[event["id"]].by_feed is None:
            yield f"{_named(event)} is in Accord's feed, and came by webhook only."
    for event_received in received:
        if event_received.id not in feed_ids:
            yield f"Event {event_received.id} ({event_received.type}) came, and is not in Accord's feed."
    yield from _out_of_order("the feed", feed, received_by_id, lambda event: event.by_feed)
    if due is None:
        return
    for event in due:
        if event["id"] in received_by_id and received_by_id[event["id"]].by_webhook is None:
            yield f"{_named(event)} came by the feed, and by no webhook."
    # Webhooks keep the order within a stream, and not between streams.
    for stream in dict.fromkeys(event["data"]["stream"] for event in feed):
        of_stream = [event for event in feed if event["data"]["stream"] == stream]
        yield from _out_of_order("webhooks", of_stream, received_by_id, lambda event: event.by_webhook)


def _out_of_order(
    way: str,
    events: Sequence[Json],
    received: dict[str, ReceivedEvent],
    position: Callable[[ReceivedEvent], int | None],
) -> Iterator[str]:
    last, before = 0, ""
    for event in events:
        here = position(received[event["id"]]) if event["id"] in received else None
        if here is None:
            continue
        if here < last:
            yield f"{_named(event)} came by {way} before {before}, which it follows."
        else:
            last, before = here, _named(event)


def _named(event: Json) -> str:
    return f"Event {event['id']} ({event['type']})"
