"""Ways for a file to come in: threed's and those of its rivals, each sent to in turn."""

from __future__ import annotations

import base64
import http.client
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from yardsticks import Rival

from measuring import curl, samples
from measuring.processes import processor_time
from measuring.report import Report, median_ratio
from measuring.stacks import Measured

COLUMNS = ("door", "MB/s median", "MB/s lowest", "MB/s highest", "CPU s/GB", "first / this, MB/s")


@dataclass
class Door:
    """One way in: how to send, whose processor time counts, and how to clean up. Rates are in MB/s."""

    name: str
    send: Callable[[Path], float]
    pids: tuple[int, ...]
    clean: Callable[[], None]
    rates: list[float] = field(default_factory=list)
    cpu_per_gb: list[float] = field(default_factory=list)

    def run(self, sample: Path) -> None:
        samples.make_new(sample)
        size = sample.stat().st_size
        with processor_time(*self.pids) as spent:
            seconds = self.send(sample)
        self.clean()
        self.rates.append(size / seconds / 1e6)
        self.cpu_per_gb.append(spent.seconds / size * 1e9)


def threed_rest(stack: Measured, name: str = "threed: REST, Envoy, disk, SHA-256, flushed") -> Door:
    headers = {"content-type": "model/stl", **dict(stack.bearer)}
    url = f"{stack.stack.url}/v1/assets/upload?filename=sample.stl"
    pids = (stack.server_pid, stack.envoy_pid)
    return Door(name, lambda path: curl.send(path, "POST", url, headers), pids, stack.forget_blobs)


def fastapi(rival: Rival, *, durable: bool) -> Door:
    url = f"{rival.url}/upload?filename=sample.stl&durable={int(durable)}"
    headers = {"content-type": "model/stl"}
    name = f"FastAPI: disk, SHA-256, {'' if durable else 'not '}flushed"
    return Door(name, lambda path: curl.send(path, "POST", url, headers), (rival.pid,), rival.forget_files)


def tus(rival: Rival) -> Door:
    def send(path: Path) -> float:
        location = _create(rival, path.stat().st_size)
        headers = {"tus-resumable": "1.0.0", "upload-offset": "0", "content-type": "application/offset+octet-stream"}
        return curl.send(path, "PATCH", location, headers, status=204)

    return Door("tus: one PATCH, disk, no hash, not flushed", send, (rival.pid,), rival.forget_files)


def _create(rival: Rival, size: int) -> str:
    """Announce an upload; its address."""
    connection = http.client.HTTPConnection("127.0.0.1", rival.port)
    metadata = f"filename {base64.b64encode(b'sample.stl').decode()}"
    headers = {"tus-resumable": "1.0.0", "upload-length": str(size), "upload-metadata": metadata}
    connection.request("POST", "/files", headers=headers)
    location = connection.getresponse().headers["location"]
    connection.close()
    return location if location.startswith("http:") else f"http:{location}"


def alternate(doors: list[Door], sample: Path, rounds: int) -> None:
    """Every door once to warm up, then in turn, so that other load on the machine hits all alike."""
    for door in doors:
        door.run(sample)
        door.rates.clear()
        door.cpu_per_gb.clear()
    for number in range(rounds):
        # Each round begins with another door: who follows whom shall not matter.
        for door in doors[number % len(doors) :] + doors[: number % len(doors)]:
            door.run(sample)


def tell(report: Report, doors: Sequence[Door]) -> None:
    """One row for each door, compared with the first."""
    for door in doors:
        rates, cpu = door.rates, statistics.median(door.cpu_per_gb)
        ratio = median_ratio(doors[0].rates, rates)
        report.add(door.name, statistics.median(rates), min(rates), max(rates), cpu, ratio)
