"""Where the outputs of a render job are written on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threed_client import Client, RenderJob

_SINGLE = "picture"  # what the contract calls the view of a job with one camera
Show = Callable[[str, int, int | None], None]


def places(job: RenderJob, output: Path | None, default: str) -> dict[str, Path]:
    """The file of each output, by its name. One: `output`. Several: their names, behind the stem of `output`.

    Layers of a single view stand beside it: `a.png`, `a.depth.exr`. Without `output` they are in this folder and begin
    with `default`.
    """
    names = [made.name for made in job.outputs]
    if len(names) == 1:
        return {names[0]: output or Path(default + Path(names[0]).suffix)}
    whole = output.with_suffix("") if output else Path(default)
    return {name: whole.with_name(whole.name + _behind(name)) for name in names}


def _behind(name: str) -> str:
    """What of an output's name follows the stem. Only its last part: nothing that a server says leaves the folder."""
    last = Path(name).name
    return last.removeprefix(_SINGLE) if last.startswith(f"{_SINGLE}.") else f"-{last}"


def download(
    client: Client, job: RenderJob, places: Mapping[str, Path], only: Sequence[str] = (), show: Show | None = None
) -> list[Path]:
    """Write the outputs of a COMPLETED job, or those named in `only`. Raises ValueError for a name that it has not."""
    if missing := [name for name in only if name not in places]:
        raise ValueError(f"{job.job_id} has no output {missing[0]!r}. It has: {', '.join(places)}.")
    written = []
    for name in only or places:
        path = places[name]
        progress = partial(show, path.name) if show else None
        written.append(client.renders.download(job.job_id, path, output=name, progress=progress))
    return written
