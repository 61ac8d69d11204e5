"""A worker process: the queue's face of the runner. `threed work` runs `main`.

Dramatiq brings hints; the actors only wake the runner, so a message is acknowledged at once and no job runs in a
Dramatiq thread.
"""

from __future__ import annotations

import functools
import logging
import os
import secrets
import signal
import socket
import threading

import dramatiq
import sqlalchemy as sa

from threed.app import make_store
from threed.queue import make_broker
from threed.records import workers
from threed.settings import Settings
from threed_workers import capabilities, jobs
from threed_workers.jobs import derive, frame, ingest, probe, render
from threed_workers.runner import Runner
from threed_workers.scratch import Scratch
from threed_workers.shader_cache import ShaderCache
from threed_workers.validator import Validator, missing

log = logging.getLogger(__name__)

# What every child finds imported: the fork server pays for it once. Each fork pays for its memory's page tables, so
# what few steps need stays out: trimesh (with scipy) took the server from 49 to 112 MB, a step from 15 to 23 ms.
PRELOAD = (
    "numpy",
    "orjson",
    "PIL.Image",
    # Else each child imports them at its first picture, or all 45 of Pillow's when WebP is not there: 0.2 s.
    "PIL.AvifImagePlugin",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.PpmImagePlugin",
    "PIL.WebPImagePlugin",
    "threed_workers.importing",
    "threed_workers.quality.step",
    "threed_workers.engines.rendering",
    "threed_workers.engines.thumbnails",
    "threed_workers.films",
    "filly",
)
_SEEN_S = 10.0


def main() -> None:
    """Work until SIGTERM or SIGINT."""
    settings = Settings.from_environment()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    shaders = ShaderCache(settings.data / "cache" / "shaders")
    with Scratch(settings.scratch, name) as scratch, shaders.zygote(PRELOAD) as zygote:
        for module, why in zygote.missing.items():
            log.warning("without %s: %s", module, why)
        if missing():
            log.warning("no validation by Khronos: %s", missing())
        validator = Validator(scratch)
        look = functools.partial(ingest.run, validator=validator, thumbnails_s=settings.thumbnail_timeout_s)
        make = functools.partial(derive.run, validator=validator)
        kinds = {"ingest": look, "derive": make, "render": render.run, "frame": frame.run, "probe": probe.run}
        runner = Runner(name, settings, make_store(settings), zygote, scratch, kinds)
        broker = make_broker(settings.broker_url, settings.libpq_url())
        _declare_actors(broker, runner)
        consumer = dramatiq.Worker(broker, worker_threads=1, worker_timeout=100)
        told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told.set())
        runner.start()
        consumer.start()
        log.info("worker %s is ready, %d jobs at once", name, settings.job_threads)
        _stay(told, runner.engine, name, shaders)
        log.info("stopping: running jobs go back to the table")
        consumer.stop(timeout=2000)
        broker.close()
        runner.stop()
        validator.close()


def _declare_actors(broker: dramatiq.Broker, runner: Runner) -> None:
    """One actor for each kind of job, of the same name as its queue."""
    for kind in jobs.__all__:
        actor = dramatiq.Actor(
            lambda job_id: runner.wake(),
            broker=broker,
            actor_name=kind,
            queue_name=kind,
            priority=0,
            options={},
        )
        broker.declare_actor(actor)


def _stay(told: threading.Event, engine: sa.Engine, name: str, shaders: ShaderCache) -> None:
    """Give signs of life until told to stop."""
    known: dict = {}

    def discover() -> None:
        known.update(capabilities.discover())
        shaders.warm()

    threading.Thread(target=discover, name="discover", daemon=True).start()
    wait = 0.0
    while not told.wait(wait):
        # Once a second until the capabilities are known, so that callers learn of them soon.
        wait = _SEEN_S if known else 1.0
        try:
            with engine.begin() as connection:
                connection.execute(workers.seen(name, dict(known)))
        except sa.exc.SQLAlchemyError as error:
            log.warning("no sign of life: %s", error)
    try:
        with engine.begin() as connection:
            connection.execute(workers.gone(name))
    except sa.exc.SQLAlchemyError as error:
        log.warning("could not say goodbye: %s", error)
