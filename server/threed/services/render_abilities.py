"""What living workers can draw and write, as they tell it themselves. A job that none of them can make is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from threed.errors import EngineUnavailable, FieldInvalid
from threed.films import LIMITS
from threed.records import workers
from threed.v1.render_jobs_pb2 import RenderJob
from threed.v1.scenes_pb2 import Scene

Told = Sequence[Mapping[str, Any]]


async def engines_for(connection: AsyncConnection, job: RenderJob, scene: Scene) -> list[Mapping[str, str]]:
    """The engines that may draw a job, best first.

    Without any worker nobody can say, and the job waits. Raises EngineUnavailable for an engine or an encoder that no
    worker has, and FieldInvalid for a built-in environment that none knows.
    """
    told = [worker.capabilities for worker in (await connection.execute(workers.alive())).all()]
    _check_output(job, told)
    _check_environment(job, scene, told)
    return _engines(job, told)


def _engines(job: RenderJob, told: Told) -> list[Mapping[str, str]]:
    engines = [found for one in told for found in one.get("engines", [])]
    known = {found["name"]: found for found in engines}
    able: dict[str, Mapping[str, str]] = {}
    for found in engines:
        if found.get("available"):
            able.setdefault(found["name"], found)
    if job.engine and engines and job.engine not in able:
        why = known.get(job.engine, {}).get("unavailable_reason", "no worker knows it")
        have = ", ".join(sorted(able)) or "none"
        sentence = (
            f"The engine {job.engine} cannot run here: {why}. Available: {have}. Leave engine empty for the best."
        )
        violations = (("render_job.engine", sentence),)
        raise EngineUnavailable(sentence, violations=violations, engine=job.engine, available=have)
    return [found for name, found in able.items() if job.engine in ("", name)]


def _check_output(job: RenderJob, told: Told) -> None:
    """Only if every worker has told: one that has not may be the one that can."""
    format = RenderJob.OutputFormat.Name(job.output_format)
    default = LIMITS[format].codecs[0] if format in LIMITS else ""
    codec = RenderJob.VideoCodec.Name(job.video_codec) if job.video_codec else default
    if not told or any("outputs" not in one for one in told):
        return
    outputs = [found for one in told for found in one["outputs"]]
    wanted = [found for found in outputs if (found["format"], found.get("codec", "")) == (format, codec)]
    if any(found.get("available") for found in wanted):
        return
    what = f"{format} with {codec}" if codec else format
    why = next((found["unavailable_reason"] for found in wanted), f"No worker knows how to write {what}.")
    field = "render_job.video_codec" if job.video_codec else "render_job.output_format"
    raise EngineUnavailable(f"{what} cannot be written here. {why}", violations=((field, why),), output=what)


def _check_environment(job: RenderJob, scene: Scene, told: Told) -> None:
    name, known = scene.environment.builtin, {each for one in told for each in one.get("environments", [])}
    if name and known and name not in known:
        sentence = f"There is no environment {name!r} here. There are: {', '.join(sorted(known))}."
        field = "render_job.environment.builtin" if job.HasField("environment") else "render_job.scene_id"
        raise FieldInvalid(sentence, violations=((field, sentence),))
