"""GetAsset, with database and token, beside a FastAPI twin of the same work: `python benchmarks/get_asset.py`.

A real, checked asset; one server process each, on the same PostgreSQL; 32 calls under way. Target: >= 0.7x.
Envoy's REST door is shown and not judged: nothing is promised of it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import yardsticks
from measuring import h2load
from measuring.processes import processor_time
from measuring.report import Report, median_ratio
from measuring.stacks import Measured, stack_on
from tests.servers.folder import short_folder
from tests.servers.postgres import postgres_server

from threed.ids import parse
from threed.v1 import assets_pb2, assets_pb2_grpc
from threed_workers.samples import animated_model

_METHOD = "/threed.v1.AssetService/GetAsset"


@dataclass
class Caller:
    """One way to read the asset. `call` makes so many calls and answers calls per second."""

    name: str
    call: Callable[[int], float]
    pids: tuple[int, ...]
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def run(self, count: int) -> None:
        with processor_time(*self.pids) as spent:
            self.rates.append(self.call(count))
        self.cpu_us.append(spent.seconds / count * 1e6)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    report = Report("caller", "calls/s median", "lowest", "highest", "CPU us/call", "first / this, calls/s")
    with postgres_server(durable=True) as database, short_folder() as folder:
        with stack_on(folder, "--workers", "1", THREED_DATABASE_URL=database.url) as stack:
            asset_id = make_asset(stack)
        twin_of = {"DATABASE_URL": database.url, "JWKS": str(folder / "keys" / "jwks.json")}
        with (
            stack_on(folder, THREED_DATABASE_URL=database.url) as stack,
            yardsticks.fastapi("get_asset", **twin_of) as web,
        ):
            callers = make_callers(stack, web, asset_id)
            for caller in callers:
                caller.call(arguments.calls // 5)
            for number in range(arguments.rounds):
                for caller in callers[number % 4 :] + callers[: number % 4]:
                    caller.run(arguments.calls)
    ours, twin = callers[:2]
    for caller in callers:
        rates = caller.rates
        cpu, ratio = statistics.median(caller.cpu_us), median_ratio(ours.rates, rates)
        report.add(caller.name, statistics.median(rates), min(rates), max(rates), cpu, ratio)
    report.note(f"{arguments.rounds} rounds of {arguments.calls} calls, in turn, {h2load.AT_ONCE} under way.")
    report.at_least(f"{ours.name} / {twin.name}", median_ratio(ours.rates, twin.rates), 0.7)
    return report.finish()


def make_asset(stack: Measured) -> str:
    """A real asset, with everything that the workers find out."""
    with stack.channel() as channel:
        assets = assets_pb2_grpc.AssetServiceStub(channel)
        request = assets_pb2.UploadAssetRequest(filename="sample.glb")
        request.media.data = animated_model()
        asset = assets.UploadAsset(iter([request]), metadata=stack.bearer)
        limit = time.monotonic() + 120
        while asset.status != assets_pb2.Asset.VALIDATED:
            assert asset.status != assets_pb2.Asset.FAILED and time.monotonic() < limit, asset
            time.sleep(0.2)
            asset = assets.GetAsset(assets_pb2.GetAssetRequest(asset_id=asset.asset_id), metadata=stack.bearer)
    return asset.asset_id


def make_callers(stack: Measured, web: yardsticks.Rival, asset_id: str) -> list[Caller]:
    request = assets_pb2.GetAssetRequest(asset_id=asset_id)
    with stack.channel() as channel:  # h2load sees HTTP 200 for every gRPC answer: this one shows that it is the asset
        assert assets_pb2_grpc.AssetServiceStub(channel).GetAsset(request, metadata=stack.bearer).model.mesh_count
    id, body, bearer = parse("asset", asset_id), request.SerializeToString(), stack.bearer
    server, both = (stack.server_pid,), (stack.server_pid, stack.envoy_pid)
    grpc, rest, twin = stack.grpc_address, stack.stack.url, web.url
    return [
        Caller("threed: gRPC", lambda n: h2load.grpc_calls(grpc, _METHOD, body, bearer, n), server),
        Caller("FastAPI", lambda n: h2load.json_calls(f"{twin}/v1/assets/{id}", bearer, n), (web.pid,)),
        Caller(
            "FastAPI, token verified each time",
            lambda n: h2load.json_calls(f"{twin}/plain/v1/assets/{id}", bearer, n),
            (web.pid,),
        ),
        Caller(
            "threed: REST through Envoy", lambda n: h2load.json_calls(f"{rest}/v1/assets/{asset_id}", bearer, n), both
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
