"""The main job, shown: a model goes in over the wire, a picture comes out. `make demo`, or `make demo MODEL=file`.

Starts a stack of its own on a free port, uploads a model that our code makes (or the given one), shows what the
checks found, builds a scene around it, renders it over gRPC and once more over REST, watches a path traced picture get
better, turns the model around in a film, and leaves all of it in demo-out/.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from threed.local.keys import open_keys
from threed.local.ports import free_ports
from threed_client import (
    Asset,
    AssetStatus,
    Background,
    CameraConfig,
    CameraConfigAutoFrame,
    Client,
    Light,
    LightType,
    RenderJob,
    Resolution,
    Scene,
    SceneNode,
    Turntable,
)

OUT = Path("demo-out")


def main() -> None:
    model = Path(sys.argv[1]) if len(sys.argv) > 1 else _sample()
    if not model.is_file():
        sys.exit(f"There is no file {model}. Say MODEL=path/to/model.glb.")
    OUT.mkdir(exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="threed-demo-"))
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    _say(f"Starting PostgreSQL, the server, a worker and Envoy at {url} ...")
    started = time.monotonic()
    with open(OUT / "stack.log", "wb") as log:
        command = [sys.executable, "-m", "threed", "up", "--data", str(data), "--port", str(port)]
        stack = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _await(url, stack)
        _say(f"Ready after {time.monotonic() - started:.1f} s.")
        token = open_keys(data / "keys").mint("editor", "demo", "demo", 3600)
        pictures = [_over_grpc(url, token, model), _over_rest(url, token, model), *_traced_and_turned(url, token)]
    finally:
        stack.send_signal(signal.SIGINT)
        stack.wait(60)
        shutil.rmtree(data, ignore_errors=True)
    _finish(pictures, model)


def _over_grpc(url: str, token: str, model: Path) -> Path:
    _say("\nOver gRPC")
    with Client(url, token=token) as client:
        _await_worker(client)
        asset = client.assets.upload(model)
        print(f"  uploaded   {asset.asset_id}, {asset.size_bytes:,} bytes, sha256 {asset.sha256[:16]}...")
        for change in client.assets.watch(asset.asset_id):
            asset = change.asset
            _progress(change.phase, change.progress)
        _show(client.assets.get(asset.asset_id))
        scene = client.scenes.create(_scene(asset.asset_id))
        print(f"  scene      {scene.scene_id}, revision {scene.revision}: the model and a light")
        view = CameraConfig(auto_frame=CameraConfigAutoFrame(yaw=0.7, pitch=0.3))
        size = Resolution(width=1280, height=960)
        job = client.renders.create(RenderJob(scene_id=scene.scene_id, camera_config=view, resolution=size))
        for change in client.renders.watch(job.job_id):
            job = change.render_job
            _progress(job.phase, job.progress)
        path = OUT / "over-grpc.png"
        client.renders.download(job.job_id, path)
    print(f"  rendered   {job.job_id} by {job.engine_used}: {path}")
    return path


def _over_rest(url: str, token: str, model: Path) -> Path:
    _say("\nOver REST, through Envoy")
    call = _Rest(url, token)
    name = urllib.parse.quote(model.name)
    asset = call("POST", f"/v1/assets/upload?filename={name}", model.read_bytes())
    print(f"  uploaded   {asset['assetId']}")
    for change in call.stream(f"/v1/assets/{asset['assetId']}:watch"):
        _progress(change["phase"], change["progress"])
    body = {
        "assetId": asset["assetId"],
        "outputFormat": "WEBP",
        "resolution": {"width": 960, "height": 960},
        "background": {"transparent": True},
    }
    job = call("POST", "/v1/renderjobs", body)
    for change in call.stream(f"/v1/renderjobs/{job['jobId']}:watch"):
        job = change["renderJob"]
        _progress(job["phase"], job["progress"])
    link = call("GET", f"/v1/renderjobs/{job['jobId']}:downloadUrl")
    path = OUT / "over-rest.webp"
    with urllib.request.urlopen(link["url"]) as reply:
        path.write_bytes(reply.read())
    print(f"  rendered   {job['jobId']} by {job['engineUsed']}: {path}")
    return path


def _traced_and_turned(url: str, token: str) -> list[Path]:
    """A path traced picture whose previews sharpen, and a film, of the newest model that is there."""
    _say("\nA picture by path tracing, with previews, and a turntable")
    with Client(url, token=token) as client:
        asset = next(iter(client.assets.list(filter="status=VALIDATED", page_size=1)))
        able = {engine.name for engine in client.system.capabilities().engines if engine.available}
        made = [_turned(client, asset.asset_id)]
        if "path_traced" in able:
            made.insert(0, _traced(client, asset.asset_id))
        else:
            print("  path_traced cannot run here; `.venv/bin/threed doctor` says why")
    return made


def _traced(client: Client, asset_id: str) -> Path:
    job = RenderJob(
        asset_id=asset_id,
        engine="path_traced",
        samples=16,
        resolution=Resolution(width=480, height=360),
        background=Background(blurred_environment=0.5),
    )
    job, previews = client.renders.create(job), 0
    for change in client.renders.watch(job.job_id, previews=True):
        job = change.render_job
        _progress(job.phase, job.progress)
        if change.preview is not None:
            previews += 1
            (OUT / f"preview-{previews}.webp").write_bytes(change.preview.image)
    path = OUT / "path-traced.png"
    client.renders.download(job.job_id, path)
    print(f"  rendered   {job.job_id} by {job.engine_used}, seen {previews} times on the way (preview-*.webp): {path}")
    return path


def _turned(client: Client, asset_id: str) -> Path:
    size = Resolution(width=512, height=512)
    job = client.renders.create(RenderJob(asset_id=asset_id, turntable=Turntable(frames=48), resolution=size))
    began = time.monotonic()
    for change in client.renders.watch(job.job_id):
        job = change.render_job
        _progress(job.phase, job.progress)
    path = OUT / "turntable.mp4"
    client.renders.download(job.job_id, path)
    took = time.monotonic() - began
    print(f"  filmed     {job.job_id}, {job.frame_count} frames in {took:.1f} s: {path}")
    return path


class _Rest:
    """JSON over HTTP, as any program would speak it."""

    def __init__(self, url: str, token: str):
        self._url = url
        self._token = token

    def __call__(self, method: str, path: str, body: object = None) -> dict:
        with self._open(method, path, body) as reply:
            return json.load(reply)

    def stream(self, path: str):
        """The messages of a watch: one JSON object a line."""
        with self._open("GET", path) as reply:
            for line in reply:
                yield json.loads(line)

    def _open(self, method: str, path: str, body: object = None):
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, method=method)
        request.add_header("authorization", f"Bearer {self._token}")
        request.add_header("content-type", "application/octet-stream" if data is body else "application/json")
        return urllib.request.urlopen(request, timeout=120)


def _scene(asset_id: str) -> Scene:
    lamp = Light(type=LightType.DIRECTIONAL, intensity=1.5)
    return Scene(
        display_name="Demo",
        nodes=[
            SceneNode(id="model", asset_id=asset_id),
            SceneNode(id="lamp", light=lamp, rotation=[-0.5, 0.0, 0.0, 0.8660254]),
        ],
    )


def _show(asset: Asset) -> None:
    """What the checks found."""
    report = asset.validation
    print(f"  checked    {report.validator} {report.validator_version}: {report.error_count} errors, ", end="")
    print(f"{report.warning_count} warnings, {report.info_count + report.hint_count} notes")
    if asset.status == AssetStatus.FAILED:
        sys.exit(f"  The model was refused: {asset.error.message}")
    model = asset.model
    if model is not None:
        print(f"  found      {model.triangle_count:,} triangles, {model.material_count} materials, ", end="")
        print(f"{model.texture_count} textures, {model.animation_count} animations")


def _await(url: str, stack: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):
                return
        except OSError:
            if stack.poll() is not None or time.monotonic() > deadline:
                print((OUT / "stack.log").read_text())
                sys.exit("The stack did not start. `.venv/bin/threed doctor` says what is missing.")
            time.sleep(0.1)


def _await_worker(client: Client) -> None:
    """Until a worker has told what it can do."""
    while not client.system.capabilities().engines:
        time.sleep(0.2)


def _progress(phase: str, part: float) -> None:
    line = f"  {phase:<10} {'#' * int(part * 30):<30} {part:4.0%}"
    if sys.stdout.isatty():
        print(f"\r{line}", end="\n" if phase == "done" else "", flush=True)
    elif phase == "done":
        print(line, flush=True)


def _sample() -> Path:
    from threed_workers.samples import animated_model

    OUT.mkdir(exist_ok=True)
    path = OUT / "sample.glb"
    path.write_bytes(animated_model())
    return path


def _finish(pictures: list[Path], model: Path) -> None:
    _say("\nThe pictures:")
    for path in pictures:
        print(f"  {path.resolve()}  {os.path.getsize(path):,} bytes")
    _say("\nNow on your own:")
    for command in (".venv/bin/threed up", f".venv/bin/threed upload {model}", ".venv/bin/threed render ID -o out.png"):
        print(f"  {command}")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
