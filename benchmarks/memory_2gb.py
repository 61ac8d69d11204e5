"""The most memory that server and Envoy hold during a 2 GB upload: `python benchmarks/memory_2gb.py`.

Over REST through Envoy, and over gRPC both through Envoy and straight to the server. Targets: < 200 MB in the server,
< 120 MB in Envoy. Resident memory as the kernel counts it (VmHWM), set back before each upload.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import grpc
from measuring import curl, processes, samples
from measuring.report import Report
from measuring.stacks import Measured, measured_stack
from tests.servers.folder import short_folder

from threed.v1 import assets_pb2, assets_pb2_grpc

_MESSAGE_BYTES = 1 << 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    arguments = parser.parse_args()
    report = Report("upload", "server before MB", "server peak MB", "Envoy before MB", "Envoy peak MB")
    with measured_stack() as stack, short_folder() as folder:
        sample = folder / "sample.stl"
        samples.write_stl(sample, arguments.megabytes * 1_000_000)
        ways = {
            "REST through Envoy": send_rest,
            "gRPC through Envoy": lambda stack, path: send_grpc(stack, path, stack.stack.address),
            "gRPC": lambda stack, path: send_grpc(stack, path, stack.grpc_address),
        }
        peaks = []
        for name, send in ways.items():
            samples.make_new(sample)
            before = [_megabytes(processes.rss_bytes(pid)) for pid in (stack.server_pid, stack.envoy_pid)]
            for pid in (stack.server_pid, stack.envoy_pid):
                processes.reset_peak(pid)
            send(stack, sample)
            peak = [_megabytes(processes.peak_rss_bytes(pid)) for pid in (stack.server_pid, stack.envoy_pid)]
            report.add(name, before[0], peak[0], before[1], peak[1])
            peaks.append(peak)
            stack.forget_blobs()
    report.note(f"One upload of {arguments.megabytes} MB each, one after the other, in one server process.")
    report.at_most("server, highest peak", max(server for server, _ in peaks), 200, "MB")
    report.at_most("Envoy, highest peak", max(envoy for _, envoy in peaks), 120, "MB")
    return report.finish()


def send_rest(stack: Measured, path: Path) -> None:
    headers = {"content-type": "model/stl", **dict(stack.bearer)}
    curl.send(path, "POST", f"{stack.stack.url}/v1/assets/upload?filename=sample.stl", headers)


def send_grpc(stack: Measured, path: Path, address: str) -> None:
    def requests():
        yield assets_pb2.UploadAssetRequest(filename=path.name)
        with path.open("rb") as file:
            while data := file.read(_MESSAGE_BYTES):
                request = assets_pb2.UploadAssetRequest()
                request.media.data = data
                yield request

    with grpc.insecure_channel(address) as channel:
        asset = assets_pb2_grpc.AssetServiceStub(channel).UploadAsset(requests(), metadata=stack.bearer)
    assert asset.size_bytes == path.stat().st_size


def _megabytes(size: int) -> float:
    return size / 1e6


if __name__ == "__main__":
    sys.exit(main())
