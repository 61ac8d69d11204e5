"""Carry out a recipe on a model. Running it twice gives the same; one of them is published."""

from __future__ import annotations

from google.protobuf import json_format

from threed.errors import JobFailed, OutputInvalid, ProofFailed, ThreedError
from threed.records import derivatives
from threed.v1.derivatives_pb2 import Derivative
from threed.v1.jobs_pb2 import DeriveSpec
from threed.v1.recipes_pb2 import EXPORT_OBJ, EXPORT_USDZ, ExportFormat, Lod, Proof, Recipe, TextureEncode
from threed_workers import validation
from threed_workers.claims import Claim, Outcome
from threed_workers.loosening import MOST_TIMES, loosened
from threed_workers.textures import ktx2
from threed_workers.validator import Validator

_MADE, _JUDGED = 0.7, 0.9  # of the progress, when the recipe is carried out and when it is judged
PICTURE = "proof.png"  # as the step names it
_KTX2 = {TextureEncode.KTX2, TextureEncode.KTX2_UASTC, TextureEncode.KTX2_ETC1S}
_DECODED = {EXPORT_OBJ, EXPORT_USDZ}  # these hold PNG and JPEG only
_TOLD = ("media_type", "losses", "lod_level", "triangle_count")
_MEASURED = ("views", "min_ssim", "mean_distance_m", "max_distance_m", "max_distance", "engine")


def run(claim: Claim, validator: Validator) -> Outcome:
    """Fetch, carry out, validate, prove, store. A model with errors is reported, and never handed out."""
    spec = claim.spec.derive
    claim.report("fetching", 0.0)
    path = claim.fetch(spec.source, "source.glb")
    source, holds = path.name, ktx2.holds(path)
    recipe, times = spec.derivative.recipe, 0
    while True:
        request, programs = _request(source, recipe), ktx2.HERE if needs_ktx2(recipe, holds) else None
        made = claim.run("derive", request, lambda event: _tell(claim, event, 0.0, _MADE), programs=programs)
        _check_files(made, recipe)
        claim.report("validating", _MADE)
        report = _judged(claim, validator, made["gates"])
        result = _result(spec, made, report)
        if report["error_count"]:
            return _failed(claim, result, _invalid(report))
        if not recipe.HasField("proof"):
            break
        proof = _proved(claim, source, made["gates"][0])
        result["visual_proof"] = proof | {"loosened": times}
        if times:
            result["provenance"]["carried_out"] = _json(recipe)
        if _holds(proof, recipe.proof):
            break
        looser = loosened(recipe) if times < MOST_TIMES else None
        if looser is None:
            return _failed(claim, result, _not_proved(proof, recipe.proof, times))
        recipe, times = looser, times + 1
    claim.report("storing", _JUDGED)
    files = [_stored(claim, file) for file in made["files"]]
    if result.get("visual_proof", {}).get("views"):
        # Beside the files, so that the same look-up keeps it.
        picture = {"format": derivatives.PROOF, "file": PICTURE, "media_type": "image/png", "losses": []}
        files.append(_stored(claim, picture))
    statement = derivatives.publish(claim.row.id, files, as_contract(result))
    return Outcome(keys=[file["key"] for file in files], statements=[statement])


def _judged(claim: Claim, validator: Validator, gates: list[str]) -> dict:
    """What the validator says of the finest level, or of the first one with errors."""
    reports = [validation.merged(validator.validate(claim.output(gate)), []) for gate in gates]
    return next((report for report in reports if report["error_count"]), reports[0])


def _check_files(made: dict, recipe: Recipe) -> None:
    """Raises JobFailed unless every level was judged, and has one file of each format that was asked for."""
    levels = range(len(made["gates"]))
    formats = [ExportFormat.Name(format) for format in recipe.export_formats]
    asked = [(level, format) for level in levels for format in formats]
    if [(file["lod_level"], file["format"]) for file in made["files"]] != asked or len(levels) > _most_levels(recipe):
        raise JobFailed("The step wrote other files than it was asked for.")


def _most_levels(recipe: Recipe) -> int:
    return 1 + sum(len(step.lod.ratios) for step in recipe.steps if step.lod.output == Lod.FILES)


def _request(source: str, recipe: Recipe) -> dict:
    return {"source": source, "recipe": _json(recipe)}


def needs_ktx2(recipe: Recipe, holds: bool) -> bool:
    """Whether the program that writes and reads KTX2 may be run."""
    encodings = {step.texture_encode.encoding for step in recipe.steps if step.HasField("texture_encode")}
    reads = holds and bool(encodings)
    return reads or bool(encodings & _KTX2) or bool(set(recipe.export_formats) & _DECODED)


def _json(recipe: Recipe) -> dict:
    return json_format.MessageToDict(recipe)


def _result(spec: DeriveSpec, made: dict, report: dict) -> dict:
    provenance = {
        "source_sha256": spec.source.sha256,
        "recipe_sha256": derivatives.recipe_sha256(spec.derivative.recipe),
        "tools": made["tools"],
    }
    return {"loss_report": made["loss_report"], "validation": report, "provenance": provenance}


def _failed(claim: Claim, result: dict, error: ThreedError) -> Outcome:
    return Outcome(error=error, statements=[derivatives.publish(claim.row.id, [], as_contract(result))])


def as_contract(result: dict) -> dict:
    """The same with proto field names, if it is what the contract has. Raises JobFailed: a step is not trusted."""
    try:
        message = json_format.ParseDict(result, Derivative())
    except json_format.ParseError as error:
        raise JobFailed("The step answered with what is no report of a derivative.") from error
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def _proved(claim: Claim, before: str, after: str) -> dict:
    request = {"before": before, "after": after}
    found = claim.run("prove", request, lambda event: _tell(claim, event, _MADE, _JUDGED))
    return {name: found[name] for name in _MEASURED}


def _holds(proof: dict, wanted: Proof) -> bool:
    near = not wanted.max_distance or proof["max_distance"] <= wanted.max_distance
    return proof["min_ssim"] >= wanted.min_ssim and near


def _not_proved(proof: dict, wanted: Proof, times: int) -> ProofFailed:
    return ProofFailed(
        f"The result is too unlike the original: SSIM {proof['min_ssim']:.3f} (at least {wanted.min_ssim:g} is asked "
        f"for), distance {proof['max_distance']:.2g} of the diagonal (at most {wanted.max_distance or 'any'}), after "
        f"{times} looser attempts. Ask for less of each step, or for a weaker proof.",
        min_ssim=f"{proof['min_ssim']:.4f}",
        max_distance=f"{proof['max_distance']:.4g}",
    )


def _invalid(report: dict) -> OutputInvalid:
    first = next(one for one in report["issues"] if one["severity"] == "ERROR")
    return OutputInvalid(
        f"What the recipe made has {report['error_count']} errors, the first of them {first['code']} at "
        f"{first['pointer'] or 'the root'}: {first['message']} It is not handed out. Report it, or leave a step out.",
        code=first["code"],
        pointer=first["pointer"],
    )


def _stored(claim: Claim, file: dict) -> dict:
    blob = claim.store_output(file["file"])
    known = {name: file[name] for name in _TOLD if name in file}
    told = as_contract({"files": [known]})["files"][0]
    return {
        "losses": [],
        **told,
        "format": file["format"],
        "key": blob.key,
        "size_bytes": blob.size,
        "sha256": blob.sha256,
    }


def _tell(claim: Claim, event: dict, begin: float, end: float) -> None:
    claim.report(str(event.get("phase", "working")), begin + (end - begin) * float(event.get("progress", 0.0)))
