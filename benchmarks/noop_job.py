"""A job that does nothing, from create to done, with both brokers: `python benchmarks/noop_job.py`.

ProbeJobs straight to the server, one after the other: record, hint, claim, confined child, publication, notification,
answer. Target with the embedded broker: p50 <= 20 ms, as the caller sees it. RabbitMQ is measured where it is.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import grpc
from measuring.processes import cpu_s
from measuring.report import Report, percentile
from measuring.stacks import Measured, find_worker, measured_stack
from tests.servers.rabbitmq import PROGRAM, fresh_vhost, rabbitmq_node

from threed.v1 import system_pb2, system_pb2_grpc

_COLUMNS = (
    *("broker", "p50 ms", "p90 ms", "p99 ms"),
    *("record to claim p50", "claim to published p50", "server CPU ms/job", "worker CPU ms/job"),
)


@dataclass
class Jobs:
    """What many probes took, in milliseconds, and the processor time of each."""

    total: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)
    ran: list[float] = field(default_factory=list)
    server_cpu: float = 0.0
    worker_cpu: float = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300)
    arguments = parser.parse_args()
    report = Report(*_COLUMNS)
    with measured_stack("--workers", "1") as stack:
        embedded = probe(stack, arguments.jobs)
    _tell(report, "embedded (PostgreSQL)", embedded)
    with rabbitmq() as url:
        if url:
            with measured_stack("--workers", "1", THREED_BROKER_URL=url) as stack:
                _tell(report, "RabbitMQ", probe(stack, arguments.jobs))
        else:
            report.note("RabbitMQ is not installed here.")
    report.note(f"{arguments.jobs} jobs, one after the other, fsync on. Times between records are the database's.")
    report.at_most("embedded, p50 from create to done", percentile(embedded.total, 50), 20, "ms")
    return report.finish()


def probe(stack: Measured, count: int) -> Jobs:
    """Run probes, the first ones unmeasured."""
    stack.stack.wait_until_able()
    jobs, worker = Jobs(), find_worker(stack)
    with stack.channel() as channel:
        system = system_pb2_grpc.SystemServiceStub(channel)
        for _ in range(20):
            _probe(system, stack)
        before = cpu_s(stack.server_pid), cpu_s(worker)
        for _ in range(count):
            begin = time.perf_counter()
            answer = _probe(system, stack)
            jobs.total.append((time.perf_counter() - begin) * 1e3)
            jobs.queued.append(answer.queue_duration.ToTimedelta().total_seconds() * 1e3)
            jobs.ran.append(answer.run_duration.ToTimedelta().total_seconds() * 1e3)
    jobs.server_cpu = (cpu_s(stack.server_pid) - before[0]) / count * 1e3
    jobs.worker_cpu = (cpu_s(worker) - before[1]) / count * 1e3
    return jobs


def _probe(system: system_pb2_grpc.SystemServiceStub, stack: Measured) -> system_pb2.ProbeJobsResponse:
    try:
        return system.ProbeJobs(system_pb2.ProbeJobsRequest(), metadata=stack.bearer, timeout=60)
    except grpc.RpcError as error:
        logs = {path.name: path.read_text()[-1500:] for path in (stack.stack.data / "logs").glob("*.log")}
        raise RuntimeError(f"a probe failed: {logs}") from error


@contextlib.contextmanager
def rabbitmq() -> Iterator[str]:
    """The URL of a virtual host of a private node; empty when RabbitMQ is not installed."""
    if not PROGRAM.exists() or not shutil.which("erl"):
        yield ""
        return
    with rabbitmq_node() as node, fresh_vhost(node) as url:
        yield url


def _tell(report: Report, broker: str, jobs: Jobs) -> None:
    percentiles = (percentile(jobs.total, percent) for percent in (50, 90, 99))
    between = (percentile(jobs.queued, 50), percentile(jobs.ran, 50))
    report.add(broker, *percentiles, *between, jobs.server_cpu, jobs.worker_cpu)


if __name__ == "__main__":
    sys.exit(main())
