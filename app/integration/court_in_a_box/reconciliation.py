"""What the court believes held against what Accord says, and every difference named."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.integration.client import Accord, Json
from app.integration.court_in_a_box.store import Heard, SentReferral, Store

# What the court sent and must get back as it was, and what Accord told it and may tell differently now.
SENT = ("case_number", "title", "external")
SEEN = ("id", "state", "case_id", "phase", "return_on", "suspensions", "sessions", "answer", "report")


def differences(accord: Accord, store: Store) -> list[str]:
    """Every difference, in a sentence; none if the court missed nothing, twice heard nothing new, and kept the order.

    Accord is asked by its public API alone: the list of referrals, and the feed from its beginning.
    """
    feed = [event for stretch in accord.follow(wait=0) for event in stretch.items]
    since = store.note("subscribed_after")
    due = [event for stretch in accord.follow(since, wait=0) for event in stretch.items] if since else None
    return [
        *_of_referrals(list(accord.referrals()), store.referrals()),
        *_of_events(feed, due, store.events()),
    ]


def _of_referrals(said: Sequence[Json], believed: Sequence[SentReferral]) -> Iterator[str]:
    names = [one["external_id"] for one in said]
    known = {one.external_id for one in believed}
    for name in sorted(set(names)):
        if name not in known:
            yield f"SentReferral {name}: Accord has it, and this court never wrote it down."
        if names.count(name) > 1:
            yield f"SentReferral {name}: Accord has it {names.count(name)} times."
    for mine in believed:
        theirs = next((one for one in said if one["external_id"] == mine.external_id), None)
        if theirs is None:
            yield f"SentReferral {mine.external_id}: Accord does not have it."
            continue
        for name in SENT:
            if mine.sent[name] != theirs[name]:
                yield _other(mine, name, mine.sent[name], theirs[name])
        for name in SEEN if mine.seen is not None else ():
            if mine.seen is not None and mine.seen[name] != theirs[name]:
                yield _other(mine, name, mine.seen[name], theirs[name])


def _other(mine: SentReferral, name: str, here: Any, there: Any) -> str:
    return f"SentReferral {mine.external_id}: '{name}' is {here!r} here and {there!r} at Accord."


def _of_events(feed: Sequence[Json], due: Sequence[Json] | None, heard: Sequence[Heard]) -> Iterator[str]:
    known, told = {one.id: one for one in heard}, {one["id"] for one in feed}
    for event in feed:
        if event["id"] not in known:
            yield f"{_named(event)} is in Accord's feed, and never came."
        elif known[event["id"]].by_feed is None:
            yield f"{_named(event)} is in Accord's feed, and came by webhook only."
    for one in heard:
        if one.id not in told:
            yield f"Event {one.id} ({one.type}) came, and is not in Accord's feed."
    yield from _out_of_order("the feed", feed, known, lambda one: one.by_feed)
    if due is None:
        return
    for event in due:
        if event["id"] in known and known[event["id"]].by_webhook is None:
            yield f"{_named(event)} came by the feed, and by no webhook."
    # Webhooks keep the order within a stream, and not between streams.
    for stream in dict.fromkeys(event["data"]["stream"] for event in feed):
        mine = [event for event in feed if event["data"]["stream"] == stream]
        yield from _out_of_order("webhooks", mine, known, lambda one: one.by_webhook)


def _out_of_order(
    way: str, events: Sequence[Json], known: dict[str, Heard], place: Callable[[Heard], int | None]
) -> Iterator[str]:
    last, before = 0, ""
    for event in events:
        here = place(known[event["id"]]) if event["id"] in known else None
        if here is None:
            continue
        if here < last:
            yield f"{_named(event)} came by {way} before {before}, which it follows."
        else:
            last, before = here, _named(event)


def _named(event: Json) -> str:
    return f"Event {event['id']} ({event['type']})"
