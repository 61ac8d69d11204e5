"""Ticks in a thread of their own, against a real database and one that is away."""

from __future__ import annotations

import time

import psycopg
import sqlalchemy as sa

from threed.settings import Settings
from threed_workers import telling
from threed_workers.telling import Teller

CHANNEL = "test_telling"
AWAY = "postgresql+psycopg://nobody@127.0.0.1:1/none"


def note(text: str) -> sa.Select:
    return sa.select(sa.func.pg_notify(CHANNEL, text))


def test_ticks_are_told_in_their_order(table, job_database):
    # Given somebody who listens
    with psycopg.connect(Settings(database_url=job_database).libpq_url(), autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        # When many ticks are told, one of which the database refuses
        teller = Teller(table.engine)
        for number in range(50):
            teller.tell(note(str(number)))
        heard = [one.payload for one in listener.notifies(timeout=20, stop_after=50)]
        teller.tell(sa.text("SELECT nothing_of_this_name"))
        time.sleep(0.2)
        teller.tell(note("after"))
        heard += [one.payload for one in listener.notifies(timeout=20, stop_after=1)]
        teller.close()
    # Then all the others arrived, in their order
    assert heard == [*(str(number) for number in range(50)), "after"]


def test_a_database_that_is_away_holds_nobody_up(monkeypatch):
    # Given a database that is away, and room for few ticks
    monkeypatch.setattr(telling, "_MOST", 10)
    teller = Teller(sa.create_engine(AWAY))
    # When more are told than there is room for, and the teller is closed
    for number in range(1000):
        teller.tell(note(str(number)))
    teller.close()
    # Then all of it was let go
    assert not teller._thread.is_alive()
