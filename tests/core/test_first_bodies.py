"""What is stored is read as the first release wrote it: fields that came later are read with a default."""

from itertools import count
from pathlib import Path

from app.demo.play import Player
from tests.core.http.operations import EVERY
from tests.crawling import READS, Crawl
from tests.first_bodies import Rows, cut_database, kept, played
from tests.in_process import InProcessClient
from tests.installation import Person

READERS = ("registrar", "requesting_agent", "mediator", "court")
# So many items of each list are read by each reader.
MOST = 5


def faults_of(play: Player, *operations: str) -> set[str]:
    """The operations that answer 500 to one of the readers; by default of all that read."""
    numbers = count()
    with InProcessClient(play.app) as client:
        people = [Person(who, "", play.tokens[who], client, lambda: f"read-{next(numbers)}") for who in READERS]
        crawls = [Crawl(one, MOST).everything([EVERY[id] for id in operations] or READS) for one in people]
    seen = [answer for crawl in crawls for answer in crawl.seen]
    answered = {answer.operation for answer in seen if answer.answer.status == 200}
    assert len(answered) > (1 if operations else 60)
    return {answer.operation for answer in seen if answer.answer.status >= 500}


def test_bodies_without_the_fields_that_came_later_are_read(tmp_path: Path) -> None:
    play, path = played(tmp_path)
    first = kept()
    new = Rows.of_database(path).shapes().keys() - first.keys()
    assert not new, "enter these kinds of bodies: python -m tests.first_bodies"
    cut_database(path, first)
    assert faults_of(play) == set()
    # A field that is read without a default, and that earlier rows lack, is found.
    cut_database(path, {**first, "filings.content_id": {"text": None}})
    assert faults_of(play, "listCases", "listParties", "listFilings") == {"listFilings"}
