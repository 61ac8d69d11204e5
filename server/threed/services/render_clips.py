"""What of its models a render job names: animations, moments of them, and material variants."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from threed.errors import FieldInvalid
from threed.v1.recipes_pb2 import Recipe, Remove
from threed.v1.render_jobs_pb2 import RenderJob

# Times are float32 in files: what a caller computes from them may lie this much beyond the end, in seconds.
_SLACK_S = 1e-4
_MOST_LISTED = 10


@dataclass(frozen=True)
class Looks:
    """What one model can show. `clips` are (name, seconds) in the file's order; `variants` None: nobody knows."""

    clips: tuple[tuple[str, float], ...] = ()
    variants: tuple[str, ...] | None = ()

    @classmethod
    def of(cls, model: Mapping) -> Looks:
        """Of a Model as JSON. One that was stored before each clip had a length has the longest for all."""
        longest = model.get("animation_duration_s", 0.0)
        clips = [(clip["name"], clip["duration_s"]) for clip in model.get("animations", ())]
        clips = clips or [(name, longest) for name in model.get("animation_names", ())]
        known = "variant_names" in model or not model.get("variant_count")
        return cls(tuple(clips), tuple(model.get("variant_names", ())) if known else None)

    def after(self, recipe: Recipe) -> Looks:
        """What a derivative of the model can show, by the steps that take animations or variants away."""
        looks = self
        for step in recipe.steps:
            if step.HasField("trim"):
                looks = replace(looks, clips=tuple(_trimmed(looks.clips, step.trim)))
            if Remove.ANIMATIONS in step.remove.features:
                looks = replace(looks, clips=())
            if Remove.VARIANTS in step.remove.features:
                looks = replace(looks, variants=())
        return looks

    def seconds(self, clip: str) -> float | None:
        """How long an animation is, by its name or its number as `#0`; empty: the first. None when there is none."""
        for name, seconds in self.clips:
            if not clip or name == clip:
                return seconds
        number = int(clip[1:]) if re.fullmatch(r"#\d{1,9}", clip) else len(self.clips)
        return self.clips[number][1] if number < len(self.clips) else None


def seconds(clip: str, models: Sequence[Looks]) -> float:
    """How long an animation goes on: as long as in the model where it is longest. 0 when none has it."""
    return max((found for looks in models if (found := looks.seconds(clip)) is not None), default=0.0)


def check(job: RenderJob, models: Sequence[Looks]) -> None:
    """Raises FieldInvalid for an animation or a variant that no model has, and for a moment after its end."""
    _check_variant(job.material_variant, models)
    if job.HasField("animation"):
        _check_clip("animation", job.animation.clip, models)
        _check_moment("animation.seconds", job.animation.seconds, job.animation.clip, models)
    if job.HasField("animation_film"):
        film = job.animation_film
        _check_clip("animation_film", film.clip, models)
        _check_moment("animation_film.start_s", film.start_s, film.clip, models)
        _check_moment("animation_film.end_s", film.end_s, film.clip, models)


def _check_variant(variant: str, models: Sequence[Looks]) -> None:
    known = [looks.variants for looks in models]
    if not variant or None in known or any(variant in names for names in known):
        return
    have = _listed(name for names in known for name in names if name)
    _refuse("material_variant", f"No model has a material variant {variant!r}. There are: {have}.")


def _check_clip(field: str, clip: str, models: Sequence[Looks]) -> None:
    if any(looks.seconds(clip) is not None for looks in models):
        return
    clips = [clip for looks in models for clip in enumerate(looks.clips)]
    have = _listed(f"{name or f'#{number}'} ({length:g} s)" for number, (name, length) in clips)
    what = f"an animation {clip!r}" if clip else "an animation"
    _refuse(f"{field}.clip", f"No model has {what}. There are: {have}.")


def _check_moment(field: str, wanted: float, clip: str, models: Sequence[Looks]) -> None:
    length = seconds(clip, models)
    if wanted > length + _SLACK_S:
        what = f"The animation {clip!r}" if clip else "The first animation"
        _refuse(field, f"{what} is {length:g} s long, and {wanted:g} s is asked for. Ask for 0 to {length:g}.")


def _trimmed(clips: Sequence[tuple[str, float]], trim: object) -> list[tuple[str, float]]:
    kept = [clip for clip in clips if not trim.animations or clip[0] in trim.animations]
    return [(name, max(0.0, min(trim.end or length, length) - trim.start)) for name, length in kept]


def _listed(names: object) -> str:
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
    return ", ".join(found[:_MOST_LISTED]) + more if found else "none"


def _refuse(field: str, sentence: str) -> None:
    raise FieldInvalid(sentence, violations=((f"render_job.{field}", sentence),))
