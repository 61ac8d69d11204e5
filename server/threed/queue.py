"""Sends hints: "there may be work of this kind". The jobs table is the truth; a lost hint is sent again by the sweeper.

A message carries a job's id for the logs, and names its actor by the job's kind, so the server needs no worker code.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor

import dramatiq

log = logging.getLogger(__name__)

_MOST_UNSENT = 100  # hints that may wait for a broker that does not answer; usually one, for milliseconds
KINDS = ("ingest", "render", "probe", "derive", "frame")  # fields of Job.spec; tests/test_contract.py compares


def make_broker(broker_url: str, database_url: str) -> dramatiq.Broker:
    """RabbitMQ when `broker_url` is set, else queues in the PostgreSQL at `database_url` (libpq form)."""
    if broker_url:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        # Classic durable queues: losing the broker loses hints only. Retries and delays live in the jobs table.
        broker: dramatiq.Broker = RabbitmqBroker(url=broker_url, confirm_delivery=True, middleware=[])
    else:
        from dramatiq_postgres import PostgresBroker

        broker = PostgresBroker(
            url=database_url, results=False, heartbeat_interval=1, heartbeat_ttl=5, maintenance_interval=2
        )
    return broker


def prepare(database_url: str) -> None:
    """Make the tables of the embedded queue. Idempotent."""
    import dramatiq_postgres
    import psycopg

    with psycopg.connect(database_url, connect_timeout=10) as connection, connection.cursor() as cursor:
        dramatiq_postgres.init(cursor)


class Queue:
    """The sending side, for the server. One thread of its own, because a broker's connection belongs to a thread."""

    def __init__(self, broker: dramatiq.Broker):
        self._broker = broker
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="hints")
        self._unsent = 0
        for kind in KINDS:
            broker.declare_queue(kind)

    def hint(self, kind: str, job_id: uuid.UUID) -> None:
        """Wake a worker. Neither fails nor waits for a broker that is away: the sweeper repeats what is lost."""
        if self._unsent >= _MOST_UNSENT:
            log.warning("no hint for %s job %s: the broker does not answer", kind, job_id)
            return
        self._unsent += 1
        sending = asyncio.get_running_loop().run_in_executor(self._sender, self._send, kind, job_id)
        sending.add_done_callback(self._sent)

    def _sent(self, sending: asyncio.Future[None]) -> None:
        self._unsent -= 1

    def _send(self, kind: str, job_id: uuid.UUID) -> None:
        message = dramatiq.Message(queue_name=kind, actor_name=kind, args=(str(job_id),), kwargs={}, options={})
        try:
            self._broker.enqueue(message)
        except Exception as error:  # whatever the broker's client raises while the broker is away
            log.warning("no hint for %s job %s: %s", kind, job_id, error)

    def close(self) -> None:
        self._sender.shutdown(wait=False, cancel_futures=True)
        self._broker.close()
