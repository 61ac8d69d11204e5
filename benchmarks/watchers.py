"""1,000 watchers of one server process: how late is an event, what costs a watcher: `python benchmarks/watchers.py`.

All on one job, then one watcher for each of 1,000 jobs. Assets are watched; this script plays the worker: it claims the
jobs, and tells ticks as workers do, each watcher hearing `--rate` a second. Late is from before the tick's statement to
the message in the client, which shares the machine. Target: p99 <= 200 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import grpc
import psycopg
import sqlalchemy as sa
from measuring import processes
from measuring.report import Report, percentile
from measuring.stacks import Measured, measured_stack
from sqlalchemy.ext.asyncio import create_async_engine
from tests.servers.postgres import postgres_server

from threed import ids
from threed.blobs import Blob
from threed.records import ingest, jobs
from threed.records.tables import assets
from threed.v1 import assets_pb2

_CHANNELS = 10  # connections of the client
_READY_S = 120


@dataclass
class Heard:
    """What came to the watchers, each with its time, and how many are there."""

    messages: list[tuple[float, bytes]] = field(default_factory=list)
    open: int = 0


@dataclass
class Round:
    """How late each event was, in milliseconds, and the processor time of each in microseconds."""

    late: list[float]
    server_us: float
    client_us: float


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=2.0, help="events a second, for each watcher")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round")
    arguments = parser.parse_args()
    report = Report(
        *("watchers", "events", "p50 ms", "p99 ms", "p99 ms, worst round", "KiB RSS/watcher"),
        *("server CPU us/event", "client CPU us/event"),
    )
    for name, job_count in (("all on one job", 1), ("each on its own job", arguments.watchers)):
        with postgres_server(durable=True) as database, measured_stack(THREED_DATABASE_URL=database.url) as stack:
            made = await make_assets(database.url, job_count)
            rss, rounds = await measure(stack, database.conninfo, made, arguments)
        name = f"{arguments.watchers} watchers, {name}"
        report.at_most(f"{name}: p99", tell(report, name, rss, rounds), 200, "ms")
    how = f"medians of {arguments.rounds} rounds of {arguments.seconds:g} s"
    report.note(f"{arguments.rate:g} events/s for each watcher; {how}.")
    return report.finish()


def tell(report: Report, name: str, rss: float, rounds: list[Round]) -> float:
    """One row; answers the median of the rounds' p99, in milliseconds."""
    p99 = [percentile(each.late, 99) for each in rounds]
    middle = statistics.median(p99)
    report.add(
        name,
        sum(len(each.late) for each in rounds),
        statistics.median(percentile(each.late, 50) for each in rounds),
        middle,
        max(p99),
        rss,
        statistics.median(each.server_us for each in rounds),
        statistics.median(each.client_us for each in rounds),
    )
    return middle


async def make_assets(url: str, count: int) -> list[str]:
    """Assets whose ingest jobs this script has claimed; their ids."""
    engine, made = create_async_engine(url), []
    async with engine.begin() as connection:
        for _ in range(count):
            id = ids.uuid7()
            blob = Blob(f"blobs/{id.hex}", 1, "0" * 64)
            await ingest.begin(connection, id=id, project="default", blob=blob, max_attempts=1, filename="a.glb")
            await connection.execute(jobs.claim(["ingest"], "benchmark", 3600))
            made.append(ids.write("asset", id))
    async with engine.connect() as connection:
        statement = sa.select(sa.func.count()).select_from(assets).where(assets.c.status == "PROCESSING")
        assert (await connection.execute(statement)).scalar() >= count
    await engine.dispose()
    return made


async def measure(
    stack: Measured, conninfo: str, made: list[str], arguments: argparse.Namespace
) -> tuple[float, list[Round]]:
    """KiB of a watcher, and the rounds."""
    heard, before = Heard(), processes.rss_bytes(stack.server_pid)
    # Else gRPC would use one connection for all.
    apart = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(stack.grpc_address, apart) for _ in range(_CHANNELS)]
    tasks = [
        asyncio.create_task(watch(channels[number % _CHANNELS], made[number % len(made)], stack.bearer, heard))
        for number in range(arguments.watchers)
    ]
    limit = time.monotonic() + _READY_S
    while heard.open < arguments.watchers:
        assert time.monotonic() < limit, f"only {heard.open} watchers are there"
        await asyncio.sleep(0.05)
    rss = (processes.rss_bytes(stack.server_pid) - before) / arguments.watchers / 1024
    rounds = [await one_round(stack, conninfo, made, arguments, heard) for _ in range(arguments.rounds)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for channel in channels:
        await channel.close()
    return rss, rounds


async def one_round(
    stack: Measured, conninfo: str, made: list[str], arguments: argparse.Namespace, heard: Heard
) -> Round:
    heard.messages.clear()
    server, client = processes.cpu_s(stack.server_pid), processes.cpu_s(os.getpid())
    told = await asyncio.to_thread(publish, conninfo, made, arguments.rate, arguments.seconds)
    await asyncio.sleep(1)  # for what is under way
    server, client = processes.cpu_s(stack.server_pid) - server, processes.cpu_s(os.getpid()) - client
    late = list(lateness(heard, told))
    expected = len(told) * arguments.watchers // len(made)
    assert len(late) > 0.5 * expected, f"{len(late)} of {expected} events came"
    return Round(late, server / len(late) * 1e6, client / len(late) * 1e6)


async def watch(channel: grpc.aio.Channel, asset_id: str, bearer: tuple, heard: Heard) -> None:
    # Messages are kept as they came, and read later: the server is measured, not this client.
    call = channel.unary_stream(
        "/threed.v1.AssetService/WatchAsset",
        request_serializer=assets_pb2.WatchAssetRequest.SerializeToString,
        response_deserializer=None,
    )
    stream = call(assets_pb2.WatchAssetRequest(asset_id=asset_id), metadata=bearer)
    first = True
    async for message in stream:
        if first:
            heard.open += 1
            first = False
        heard.messages.append((time.perf_counter(), message))


def publish(conninfo: str, made: list[str], rate: float, seconds: float) -> dict[float, float]:
    """Tell ticks at an even pace, each job `rate` a second. {progress, which names the tick: when it was told}."""
    told: dict[float, float] = {}
    subjects = [ids.parse("asset", asset_id) for asset_id in made]
    count = int(rate * seconds * len(made))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        begin = time.perf_counter()
        for number in range(count):
            wait = begin + number / (rate * len(made)) - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            progress = random.random()  # names the tick, in every round another
            event = {
                "kind": "ingest",
                "id": str(subjects[number % len(made)]),
                "sequence": time.monotonic_ns(),
                "phase": "checking",
                "progress": progress,
            }
            told[progress] = time.perf_counter()
            connection.execute("SELECT pg_notify(%s, %s)", (jobs.EVENTS, json.dumps(event)))
    return told


def lateness(heard: Heard, told: dict[float, float]) -> Iterator[float]:
    """Milliseconds of each event from the tick to its arrival."""
    for at, message in heard.messages:
        progress = assets_pb2.WatchAssetResponse.FromString(message).progress
        if progress in told:
            yield (at - told[progress]) * 1e3


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
