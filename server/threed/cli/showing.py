"""Assets, scenes, recipes and jobs as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threed.cli.refusals import told
from threed.cli.terminal import fields, moment, plain, size, table

if TYPE_CHECKING:
    from threed_client import (
        Asset,
        Derivative,
        DerivativePlan,
        Model,
        RenderJob,
        SavedRecipe,
        Scene,
        Validation,
        ValidationIssue,
        WatchRenderJobResponse,
    )

# How many errors and warnings follow an upload.
_GRAVE_SHOWN = 5


def refusal(status: object) -> str:
    """The `error` of a failed asset or job: its sentence and its reason."""
    from threed_client import errors

    error = errors.from_status(status)
    return told(error.message, error.reason)


def reason(status: object) -> str:
    """The reason in such an `error`, in one word."""
    from threed_client import errors

    return errors.from_status(status).reason


def content(asset: Asset) -> str:
    """What is in it, in a few words."""
    if asset.model:
        return _model(asset.model)
    if asset.picture:
        return f"{asset.picture.width_px} x {asset.picture.height_px} pixels"
    return ""


def findings(validation: Validation | None) -> str:
    """How many issues of each kind, in words; empty when there are none."""
    if validation is None:
        return ""
    counts = [
        (validation.error_count, "error"),
        (validation.warning_count, "warning"),
        (validation.info_count, "note"),
        (validation.hint_count, "hint"),
    ]
    return ", ".join(_count(number, word) for number, word in counts if number)


def issue_lines(issues: list[ValidationIssue]) -> list[str]:
    """Issues, a line each."""
    return [
        f"  {issue.severity.name.lower():<8}{plain(issue.code)}  {plain(issue.pointer)}  {plain(issue.message)}"
        for issue in issues
    ]


def summary(asset: Asset) -> str:
    """An asset after its checks: one line, then why it failed or what the validator found."""
    parts = [plain(asset.display_name or asset.filename), asset.asset_id, asset.status.name]
    parts += [part for part in (content(asset), findings(asset.validation)) if part]
    lines = ["  ".join(parts)]
    if asset.error:
        lines.append(f"  {refusal(asset.error)}")
    if asset.validation:
        grave = [issue for issue in asset.validation.issues if issue.severity.name in ("ERROR", "WARNING")]
        rest = asset.validation.error_count + asset.validation.warning_count - len(grave[:_GRAVE_SHOWN])
        # A file that could not be read has its one reason in both places.
        lines += issue_lines([issue for issue in grave[:_GRAVE_SHOWN] if issue.message not in lines[-1]])
        if rest:
            lines.append(f"  and {rest} more: threed assets {asset.asset_id}")
    return "\n".join(lines)


def asset_details(asset: Asset) -> str:
    """Everything about one asset."""
    losses = [f"{loss.feature} ({loss.count}): {loss.reason}" for loss in asset.losses]
    text = fields(
        [
            ("asset", asset.asset_id),
            ("name", asset.display_name),
            ("file", asset.filename),
            ("type", asset.asset_type.name),
            ("format", asset.file_format),
            ("size", f"{asset.size_bytes:,} bytes"),
            ("sha256", asset.sha256),
            ("status", asset.status.name),
            ("error", refusal(asset.error) if asset.error else ""),
            ("content", content(asset)),
            ("extent", _extent(asset.model) if asset.model else ""),
            ("extensions", ", ".join(asset.model.extensions_used) if asset.model else ""),
            ("generator", asset.model.generator if asset.model else ""),
            ("tags", ", ".join(asset.tags)),
            ("metadata", asset.metadata.to_json() if asset.metadata else ""),
            ("losses", "; ".join(losses)),
            ("files", ", ".join(f"{file.kind.name.lower()} {size(file.size_bytes)}" for file in asset.files)),
            ("uploaded", f"{moment(asset.upload_timestamp)} by {asset.created_by or '-'}"),
            ("deleted", moment(asset.delete_time) if asset.delete_time else ""),
            ("checked by", f"{asset.validation.validator} {asset.validation.validator_version}".strip())
            if asset.validation
            else ("", ""),
            ("found", findings(asset.validation) or ("nothing" if asset.validation else "")),
        ]
    )
    found = asset.validation
    more = ["  and more, which the server does not keep"] if found and found.truncated else []
    return "\n".join([text, *(issue_lines(found.issues) if found else []), *more])


def scene_details(scene: Scene) -> str:
    """A scene, with its nodes as a tree."""
    lines = [
        fields(
            [
                ("scene", scene.scene_id),
                ("name", scene.display_name),
                ("revision", scene.revision),
                ("tags", ", ".join(scene.tags)),
                ("changed", moment(scene.update_time)),
                ("nodes", len(scene.nodes)),
            ]
        )
    ]
    below: dict[str, list] = {}
    for node in scene.nodes:
        below.setdefault(node.parent_id, []).append(node)
    rest = [(node, 1) for node in reversed(below.get("", []))]
    while rest:
        node, depth = rest.pop()
        holds = node.asset_id or ("camera" if node.camera else "light" if node.light else "")
        lines.append("  " * depth + "  ".join(plain(part) for part in (node.id, node.name, holds) if part))
        rest += [(child, depth + 1) for child in reversed(below.get(node.id, []))]
    return "\n".join(lines)


def steps(saved: SavedRecipe) -> str:
    """The names of its steps, in their order."""
    import betterproto2

    names = [betterproto2.which_one_of(step, "step")[0] for step in saved.recipe.steps]
    return ", ".join(names) or "none"


def recipe_details(saved: SavedRecipe) -> str:
    """A recipe, with what it does as the JSON that it can be saved by."""
    text = fields(
        [
            ("recipe", saved.recipe_id),
            ("name", saved.display_name),
            ("revision", saved.revision),
            ("tags", ", ".join(saved.tags)),
            ("created", f"{moment(saved.created_at)} by {saved.created_by or '-'}"),
            ("changed", moment(saved.update_time)),
        ]
    )
    # JSON has its control characters escaped; what else could move the cursor is replaced line by line.
    return "\n".join([text, *(plain(line) for line in saved.recipe.to_json(indent=2).splitlines())])


def job_line(job: RenderJob) -> str:
    """A job in one line, and why it failed."""
    parts = [job.job_id, job.status.name]
    if job.output:
        parts.append(_outputs(job))
    if job.engine_used:
        parts.append(plain(job.engine_used))
    if job.cached:
        parts.append("drawn before")
    elif job.started_at and job.completed_at:
        parts.append(f"{(job.completed_at - job.started_at).total_seconds():.1f} s")
    lines = ["  ".join(parts)]
    if job.error:
        lines.append(f"  {refusal(job.error)}")
    if job.frames_failed and job.frame_count > 1:
        lines.append(f"  {job.frames_failed} of {job.frame_count} frames failed: threed frames {job.job_id}")
    lines += [f"  lost: {plain(loss.feature)} ({loss.count}): {plain(loss.reason)}" for loss in job.losses]
    return "\n".join(lines)


def _outputs(job: RenderJob) -> str:
    """Size and kind of the outputs, in a few words."""
    first, total = job.output, sum(output.size_bytes for output in job.outputs) or job.output.size_bytes
    kind = f"{first.width_px} x {first.height_px} {first.media_type}"
    if first.frame_count:
        kind += f", {first.frame_count} frames in {first.seconds:g} s"
    elif len(job.outputs) > 1:
        kind = f"{len(job.outputs)} pictures, {kind}"
    return f"{kind}, {size(total)}"


def render_note(change: WatchRenderJobResponse) -> str:
    """What a job is doing, for the live line: phase, frames, samples, and how long it will take."""
    job = change.render_job
    parts = ["paused" if job.status.name == "PAUSED" else job.phase]
    if job.frame_count > 1:
        parts.append(f"{job.frames_completed} of {job.frame_count} frames")
    if change.samples > 1:
        parts.append(f"{change.samples_done} of {change.samples} samples")
    if change.eta_s:
        parts.append(f"{duration(change.eta_s)} left")
    return ", ".join(parts)


def render_plan(job: RenderJob) -> str:
    """What a job would be and take."""
    asked, planned = job.resolution, job.plan
    drawn = job.region or asked
    frames = f"{planned.frame_count} frames" if planned.frame_count > 1 else "1 frame"
    lines = [f"{frames} of {drawn.width} x {drawn.height} as {job.output_format.name}, by {plain(planned.engine)}"]
    if planned.cached:
        lines.append("It was drawn before: it is handed out again at once.")
    else:
        took = f"about {duration(planned.seconds)} of one worker"
        lines.append(f"{took}, at most {size(planned.memory_bytes)} of memory")
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Seconds for people: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def derivative_line(made: Derivative) -> str:
    """A derivative in one line, then what it changed, and why it failed."""
    parts = [made.derivative_id, made.status.name, *([made.preset] if made.preset else [])]
    parts += [f"{made.recipe_id} revision {made.recipe_revision}"] if made.recipe_id else []
    if made.cached:
        parts.append("made before")
    elif made.started_at and made.completed_at:
        parts.append(f"{(made.completed_at - made.started_at).total_seconds():.1f} s")
    lines = ["  ".join(parts)]
    if made.error:
        lines.append(f"  {refusal(made.error)}")
    if made.loss_report:
        for one in made.loss_report.differences:
            counts = f"{plain(one.feature)} {one.before:,} -> {one.after:,}"
            lines.append(f"  {one.severity.name.lower():<8}{counts}: {plain(one.reason)}")
        lines += issue_lines(made.loss_report.issues)
    for file in made.files:
        name = file.format.name.removeprefix("EXPORT_").lower()
        lines += [f"  {name} lacks {plain(loss.feature)} ({loss.count}): {plain(loss.reason)}" for loss in file.losses]
    return "\n".join(lines)


def plan(planned: DerivativePlan) -> str:
    """What a derivative is expected to take, part by part."""
    rows = [(one.name, size(one.memory_bytes) if one.memory_bytes else "", _time(one.seconds)) for one in planned.steps]
    limit = f"of {size(planned.memory_limit_bytes)}"
    lines = [table(("part", "memory", "time"), rows, right=("memory", "time"))]
    lines.append(f"in all, at most {size(planned.memory_bytes)} {limit}, about {_time(planned.seconds)} of one core")
    if planned.cached:
        lines.append("It was made before: it is handed out again at once.")
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s" if seconds >= 0.05 else ""


def _model(model: Model) -> str:
    counts = [
        (model.triangle_count, "triangle"),
        (model.vertex_count, "vertex"),
        (model.material_count, "material"),
        (model.texture_count, "texture"),
        (model.animation_count, "animation"),
    ]
    return ", ".join(_count(number, word) for number, word in counts if number) or "nothing to draw"


def _extent(model: Model) -> str:
    box = model.bounding_box
    if box is None:
        return ""
    return " x ".join(f"{high - low:.3g}" for low, high in zip(box.min, box.max, strict=True)) + " m"


def _count(number: int, word: str) -> str:
    plural = {"vertex": "vertices"}.get(word, f"{word}s")
    return f"{number:,} {word if number == 1 else plural}"
