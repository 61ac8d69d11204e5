"""An upload into SeaweedFS through threed, beside a presigned PUT straight into it: `python benchmarks/upload_s3.py`.

The same file, the same store, one curl. threed checks and hashes the bytes on their way, and sends parts of 8 MiB.
Target: >= 0.9x the direct PUT.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from pathlib import Path

from measuring import curl, doors, grpc_doors, samples
from measuring.doors import Door
from measuring.report import Report, median_ratio
from measuring.stacks import measured_stack
from tests.servers.folder import short_folder
from tests.servers.s3 import Bucket, client, fresh_bucket, s3_server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    report = Report(*doors.COLUMNS)
    with s3_server() as access, fresh_bucket(access) as bucket, short_folder() as folder:
        with measured_stack(**_settings(bucket)) as stack, stack.channel() as channel:
            sample = folder / "sample.stl"
            samples.write_stl(sample, arguments.megabytes * 1_000_000)
            ours = [
                doors.threed_rest(stack, "threed: REST, Envoy, SeaweedFS, SHA-256"),
                grpc_doors.upload_asset(stack, channel, "threed: gRPC UploadAsset, SeaweedFS, SHA-256"),
            ]
            direct = presigned(bucket)
            all_doors = [*ours, direct]
            for door in all_doors:
                door.clean = lambda: empty(bucket)
            doors.alternate(all_doors, sample, arguments.rounds)
    doors.tell(report, all_doors)
    report.note(f"{arguments.rounds} rounds of {arguments.megabytes} MB, in turn; CPU without that of SeaweedFS.")
    for door in ours:
        report.at_least(f"{door.name} / direct", median_ratio(door.rates, direct.rates), 0.9)
    return report.finish()


def presigned(bucket: Bucket) -> Door:
    store = client(bucket.access)

    def send(path: Path) -> float:
        url = store.presigned_put_object(bucket.name, "direct", expires=datetime.timedelta(hours=1))
        return curl.send(path, "PUT", url, {"content-type": "model/stl"})

    return Door("presigned PUT, SeaweedFS, no hash", send, (), lambda: None)


def empty(bucket: Bucket) -> None:
    """Remove every object, and wait for the disk."""
    store = client(bucket.access)
    for found in store.list_objects(bucket.name, recursive=True):
        store.remove_object(bucket.name, found.object_name)
    os.sync()


def _settings(bucket: Bucket) -> dict[str, str]:
    return {
        "THREED_S3_ENDPOINT": bucket.access.endpoint,
        "THREED_S3_BUCKET": bucket.name,
        "THREED_S3_ACCESS_KEY": bucket.access.access_key,
        "THREED_S3_SECRET_KEY": bucket.access.secret_key,
        "THREED_S3_REGION": bucket.access.region,
        "THREED_S3_SECURE": "false",
    }


if __name__ == "__main__":
    sys.exit(main())
