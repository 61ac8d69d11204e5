"""Ticks for the watchers of a worker's jobs, told in a thread of their own: no job waits for the database with them."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading

import sqlalchemy as sa

log = logging.getLogger(__name__)

# Waiting; what comes on top is left out. The heartbeat records how far a job is, and the next tick says more.
_MOST = 1000


class Teller:
    """Executes statements one after the other, in the order in which they came."""

    def __init__(self, engine: sa.Engine):
        self._engine = engine
        self._waiting: queue.Queue[sa.Executable | None] = queue.Queue(_MOST)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="teller", daemon=True)
        self._thread.start()

    def tell(self, statement: sa.Executable) -> None:
        """Returns at once, and never fails."""
        try:
            self._waiting.put_nowait(statement)
        except queue.Full:
            log.debug("a tick was not told: %d others are waiting", _MOST)

    def close(self) -> None:
        """Leave out what is waiting."""
        self._closed.set()
        with contextlib.suppress(queue.Full):  # then nobody waits for more
            self._waiting.put_nowait(None)
        self._thread.join()

    def _tell(self) -> None:
        while not self._closed.is_set():
            statement = self._waiting.get()
            if statement is None:
                return
            try:
                with self._engine.connect() as connection:
                    connection.execution_options(isolation_level="AUTOCOMMIT").execute(statement)
            except sa.exc.SQLAlchemyError as error:
                log.debug("ticks were not told: %s", error)
                self._forget()

    def _forget(self) -> None:
        """What has waited for a database that is away is of the past when it is back."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
