"""A GLB of 5 MB, from the first byte of its upload to VALIDATED with thumbnails: `python benchmarks/ingest.py`.

Much geometry, much texture, and much animation, each in bytes that the server has not seen, over REST and over gRPC
through Envoy, with one warm worker: stored, imported, normalized, judged by the Khronos validator and by our own
checks, drawn in three sizes. Target: at most 2 s. Beside it what one would script instead, one command after the other:
`gltf-transform inspect`, `gltf-transform validate` and one picture of 1024 pixels by F3D 4.0.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import grpc
import yardsticks
from measuring import glbs
from measuring.assets import messages
from measuring.report import Report, median_ratio
from measuring.stacks import Measured, measured_stack
from measuring.steps import command

from threed.v1 import assets_pb2, assets_pb2_grpc


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", default=list(glbs.KINDS), choices=list(glbs.KINDS))
    arguments = parser.parse_args()
    yardsticks.install()
    report = Report("model", "MB", "way", "median s", "lowest", "highest", "CPU s")
    with measured_stack("--workers", "1") as stack, grpc.insecure_channel(stack.stack.address) as channel:
        stack.stack.wait_until_able()
        stack.wait_for_shaders()
        ways = {
            "threed, REST": lambda data: rest(stack, data),
            "threed, gRPC": lambda data: by_grpc(stack, channel, data),
            "a script": scripted,
        }
        for kind in arguments.kinds:
            data = glbs.made(kind, round(arguments.megabytes * 1e6))
            _compare(report, stack, kind, data, ways, arguments.runs)
    report.note(
        f"{arguments.runs} runs of each, in turns; the processor time of ours is of all processes of the stack."
    )
    return report.finish()


def _compare(
    report: Report, stack: Measured, kind: str, data: bytes, ways: dict[str, Callable[[bytes], float | None]], runs: int
) -> None:
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(runs + 1):
        for name, send in ways.items():
            fresh = glbs.renewed(data)
            before, began = stack.cpu_s(), time.perf_counter()
            theirs = send(fresh)
            wall = time.perf_counter() - began
            if number:  # the first run of each warms up
                took[name].append((wall, stack.cpu_s() - before if theirs is None else theirs))
    walls = {name: [wall for wall, _ in each] for name, each in took.items()}
    for name, each in walls.items():
        cpu = statistics.median(spent for _, spent in took[name])
        report.add(kind, len(data) / 1e6, name, statistics.median(each), min(each), max(each), cpu)
    for name in ("threed, REST", "threed, gRPC"):
        report.at_most(f"{kind}, {name}", statistics.median(walls[name]), 2.0, "s")
    report.at_most(f"{kind}, REST / script", median_ratio(walls["threed, REST"], walls["a script"]), 1.0, "x")


def rest(stack: Measured, data: bytes) -> None:
    headers = {"content-type": "model/gltf-binary", **dict(stack.bearer)}
    address = f"{stack.stack.url}/v1/assets"
    upload = urllib.request.Request(f"{address}/upload?filename=model.glb", data=data, method="POST", headers=headers)
    with urllib.request.urlopen(upload, timeout=60) as answer:
        asset = json.load(answer)["assetId"]
    watch = urllib.request.Request(f"{address}/{asset}:watch", headers=dict(stack.bearer))
    with urllib.request.urlopen(watch, timeout=60) as events:
        last = [json.loads(line) for line in events if line.strip()][-1]
    found = last.get("result", last)["asset"]
    _check(found["status"], [file["kind"] for file in found["files"]])


def by_grpc(stack: Measured, channel: grpc.Channel, data: bytes) -> None:
    service = assets_pb2_grpc.AssetServiceStub(channel)
    asset = service.UploadAsset(messages(data), metadata=stack.bearer).asset_id
    request = assets_pb2.WatchAssetRequest(asset_id=asset)
    *_, last = service.WatchAsset(request, metadata=stack.bearer, timeout=60)
    kinds = [assets_pb2.AssetFile.Kind.Name(file.kind) for file in last.asset.files]
    _check(assets_pb2.Asset.Status.Name(last.asset.status), kinds)


def scripted(data: bytes) -> float:
    """What one would do without a server. Its processor seconds."""
    bins = yardsticks.HOME / "node_modules" / ".bin"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.glb"
        path.write_bytes(data)
        picture = Path(folder) / "picture.png"
        took = [
            command(bins / "gltf-transform", "inspect", path),
            command(bins / "gltf-transform", "validate", path),
            command(yardsticks.PYTHON, yardsticks.RIVALS / "f3d_thumbnail.py", path, picture),
        ]
    return sum(one.cpu_s for one in took)


def _check(status: str, kinds: list[str]) -> None:
    if status != "VALIDATED" or kinds.count("THUMBNAIL") != 6:
        raise RuntimeError(f"the asset is {status}, with {kinds}")


if __name__ == "__main__":
    sys.exit(main())
