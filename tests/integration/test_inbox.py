"""The inbox at size: pages by key, constant statements, plans that use their index."""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest
from flask import Flask
from sqlalchemy import insert, text

from portal.database import db, transaction
from portal.models import Attachment, Event, Letter, Submission
from portal.queries import cases as case_queries
from portal.queries import inbox
from portal.queries.cases import get_case
from portal.queries.inbox import PAGE_SIZE, count_waiting, list_cases
from portal.rules.policy import Viewer
from portal.rules.states import STATUSES
from tests.people import receive

MANAGER = Viewer(1, "Manager", "manager", "koponen", "en")
COORDINATOR = Viewer(2, "Coordinator", "coordinator", None, "en")
FILTERS: tuple[inbox.Filter, ...] = ("open", *STATUSES, "any")
START = datetime(2026, 1, 1, tzinfo=UTC)

Counting = Callable[[], AbstractContextManager[list[str]]]


def fill(number: int, *, common: int = 0) -> None:
    """Cases of four managers and triage, one in ten new, the older the likelier closed.

    ``common`` is how many of 1,000 belong to two other managers: the rarer a holder's cases, the more a list
    needs its index.
    """
    holders = ["partanen", "paivanen"] * (common // 2) or ["partanen", "paivanen"]
    holders += ["koponen", "pirinen", "triage"]
    with transaction() as connection:
        for start in range(0, number, 5000):
            rows = [_row(n, holders[n % len(holders)], number) for n in range(start, min(start + 5000, number))]
            connection.execute(insert(Submission), rows)


def _row(number: int, holder: str, total: int) -> dict[str, Any]:
    status = "new" if number % 10 == 3 else "closed" if number < total * 0.9 else STATUSES[number % 3]
    at = START + timedelta(minutes=number)
    return {
        "reference": f"KS-2026-T{number:08d}",
        "token": secrets.token_hex(12),
        "code_hash": "0" * 64,
        "kind": "inquiry",
        "language": "en",
        "topic": "errin",
        "holder": holder,
        "status": status,
        "version": 1,
        "edition": 1,
        "routed_topic": "errin",
        "routed_holder": holder,
        "routed_reason": "topic",
        "routed_skipped": "",
        "sender_name": f"Sender {number}",
        "sender_email": "sender@example.org",
        "sender_organisation": "",
        "sender_telephone": "",
        "sender_country": "",
        "subject": f"Subject {number}",
        "message": "Text",
        "received_at": at,
        "changed_at": at,
        "closed_at": at if status == "closed" else None,
    }


def add_history(number: int) -> None:
    """An event, a letter and a file for each of the first cases."""
    with transaction() as connection:
        cases = [{"submission_id": case} for case in range(1, number + 1)]
        event = {"kind": "received", "at": START, "actor": "A", "data": {}}
        connection.execute(insert(Event), [{**case, **event} for case in cases])
        letter = {"kind": "inquiry_received", "recipient": "a@example.org", "language": "en", "status": "sent"}
        letter |= {"attempts": 1, "next_attempt_at": START, "created_at": START, "sent_at": START}
        numbered = enumerate(cases, start=1)
        rows = [{**case, **letter, "event_id": n, "message_id": f"<{n}@example.org>"} for n, case in numbered]
        connection.execute(insert(Letter), rows)
        file = {"name": "a.txt", "mime": "text/plain", "size_bytes": 1, "sha256": "0" * 64, "stored_at": START}
        connection.execute(
            insert(Attachment), [{**case, **file, "key": f"key-{case['submission_id']}"} for case in cases]
        )


def walk(viewer: Viewer, box: inbox.Box, status: inbox.Filter) -> list[int]:
    """All ids of a box, page by page."""
    found: list[int] = []
    key = None
    while True:
        page = list_cases(viewer, box=box, status=status, before=key)
        found += [row.id for row in page.rows]
        key = page.older
        if key is None:
            return found


@pytest.mark.parametrize("status", FILTERS)
def test_walking_the_pages_meets_every_case_once_newest_first(app: Flask, status: inbox.Filter) -> None:
    with app.app_context():
        fill(300)
        found = walk(MANAGER, "mine", status)
        condition = {"open": "status <> 'closed'", "any": "1 = 1"}.get(status, f"status = '{status}'")
        expected = db.session.scalars(
            text(f"SELECT id FROM submissions WHERE holder = 'koponen' AND {condition} ORDER BY id DESC")
        ).all()
        assert found == expected


def test_back_and_forth_shows_the_same_pages(app: Flask) -> None:
    with app.app_context():
        fill(500)
        first = list_cases(MANAGER, box="mine", status="any")
        second = list_cases(MANAGER, box="mine", status="any", before=first.older)
        third = list_cases(MANAGER, box="mine", status="any", before=second.older)
        assert len(first.rows) == PAGE_SIZE
        assert first.newer is None
        back = list_cases(MANAGER, box="mine", status="any", after=third.newer)
        assert [row.id for row in back.rows] == [row.id for row in second.rows]
        again = list_cases(MANAGER, box="mine", status="any", after=back.newer)
        assert [row.id for row in again.rows] == [row.id for row in first.rows]
        assert again.newer is None


def test_an_inbox_holds_ones_own_alone(app: Flask) -> None:
    with app.app_context():
        fill(100)
        assert {row.holder for row in list_cases(MANAGER, box="mine", status="any").rows} == {"koponen"}
        assert {row.holder for row in list_cases(MANAGER, box="triage", status="any").rows} == {"triage"}
        # A manager who asks for everything gets what is theirs to see.
        assert {row.holder for row in list_cases(MANAGER, box="all", status="any").rows} == {"koponen", "triage"}
        assert len({row.holder for row in list_cases(COORDINATOR, box="all", status="any").rows}) == 5
        counts = count_waiting(MANAGER)
        assert (counts.mine, counts.triage) == (0, 0) or counts.mine + counts.triage > 0


def test_statements_do_not_grow_with_rows_or_history(app: Flask, count_statements: Counting) -> None:
    with app.app_context():
        reference = receive(topic="triage").reference

        def statements() -> list[int]:
            counts = []
            for read in (
                lambda: list_cases(MANAGER, box="triage", status="open"),
                lambda: count_waiting(MANAGER),
                lambda: get_case(MANAGER, reference),
            ):
                with count_statements() as seen:
                    read()
                counts.append(len(seen))
            return counts

        at_one = statements()
        fill(200)
        with transaction() as connection:
            first = get_case(MANAGER, reference).row.id
            events = [
                {"submission_id": first, "kind": "noted", "at": START, "actor": "A", "body": "b", "data": {}}
                for _ in range(30)
            ]
            connection.execute(insert(Event), events)
        assert statements() == at_one == [1, 1, 2]


def plan(statement: Any) -> str:
    """The engine's plan of a statement, as text."""
    dialect = db.engine.dialect
    sql = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    prefix = "EXPLAIN QUERY PLAN " if dialect.name == "sqlite" else "EXPLAIN "
    with db.engine.connect() as connection:
        return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(prefix + sql))


def index_for(box: inbox.Box, status: inbox.Filter) -> str:
    """The index that a list is to be walked by; 'all cases' is walked along the key itself."""
    if box == "all":
        return {"open": "ix_submissions_open_id", "any": ""}.get(status, "ix_submissions_status_id")
    return {"open": "ix_submissions_open_holder_id", "any": "ix_submissions_holder_id"}.get(
        status, "ix_submissions_holder_status_id"
    )


def test_every_list_and_the_case_use_their_index_at_100_000(app: Flask) -> None:
    with app.app_context():
        fill(100_000, common=1000)
        add_history(2_000)
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
        boxes: list[tuple[Viewer, inbox.Box]] = [(MANAGER, "mine"), (MANAGER, "triage"), (COORDINATOR, "all")]
        for (viewer, box), status, direction in product(boxes, FILTERS, get_args(inbox.Direction)):
            said = plan(inbox._statement(viewer, box, status, direction).params(key=50_000))
            if box != "all" or db.engine.dialect.name == "sqlite":
                # PostgreSQL may walk everybody's open cases for a common state; it must only never sort.
                assert index_for(box, status) in said, f"{box} {status} {direction}:\n{said}"
            assert not sorts(said), f"{box} {status} {direction}:\n{said}"
        for viewer in (MANAGER, COORDINATOR):
            said = plan(inbox._counting(viewer))
            assert "ix_letters_failed" in said, said
            assert not sorts(said), said
        for part in (case_queries._events(), case_queries._letters(), case_queries._files()):
            said = plan(part.params(case=500))
            assert "ix_" in said, said


def sorts(said: str) -> bool:
    """Whether a plan sorts what an index could hand out in order, or reads the whole table to do so."""
    return any(word in said for word in ("TEMP B-TREE", "Sort", "Seq Scan on submissions"))
