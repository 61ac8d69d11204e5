"""Universal Scene Description, text and binary, through Pixar's own library (OpenUSD; specification AOUSD Core 1.0).

Layers, references, payloads, variants and instances are composed; what comes out is written as nodes, meshes, materials
(UsdPreviewSurface), lights, cameras, skins and one animation. Layers that the upload does not hold are never looked
for (usd_layers.py).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from threed.errors import FileFeatureUnsupported, FileMalformed, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Document, issue
from threed_workers.formats.source import Source

name = "usd"
media_type = "model/vnd.usda"
extensions = (".usd", ".usda", ".usdc")
asset_type = "MODEL"

_TEXT, _BINARY = b"#usda ", b"PXR-USDC"
_MOST_WARNINGS = 20


def recognise(source: Source) -> bool:
    """The first bytes are the signature of a layer, text or binary."""
    return source.head.startswith((_TEXT, _BINARY))


def read(source: Source, budget: Budget) -> Document:
    """The composed stage, as it is at its first moment, and its motion."""
    with _refusing(source.name or "layer"), TemporaryDirectory() as folder:
        return _read(source, Path(folder), budget)


def roots(files: dict[str, Path], names: list[str], budget: Budget) -> list[str]:
    """Of several layers in one upload those that no other refers to: the stage is one of them."""
    with _refusing(names[0]), TemporaryDirectory() as folder:
        from threed_workers.formats.usd_layers import main_layers

        return main_layers(files, names, Path(folder), budget)


@contextmanager
def _refusing(where: str) -> Iterator[None]:
    """What the library throws, as a refusal."""
    tf = _library()
    try:
        yield
    except tf.ErrorException as error:
        raise FileMalformed(f"The stage cannot be read: {_sentence(error)}", where=where) from None
    except UnicodeDecodeError:
        raise FileMalformed("The stage holds text that is not UTF-8. Export it again.", where=where) from None
    except RuntimeError as error:  # beside its own errors
        raise FileMalformed(f"The stage cannot be read: {str(error)[:200]}", where=where) from None


def _library() -> Any:
    """pxr.Tf. One thread: a confined child may not have many, and a layer is read as fast by one."""
    os.environ.setdefault("PXR_WORK_THREAD_LIMIT", "1")
    os.environ.setdefault("TF_ENV_SETTING_ALERTS_ENABLED", "0")
    try:
        from pxr import Tf
    except ImportError:
        raise FileFeatureUnsupported(
            "No reader of USD is installed here: usd-core. Install it: pip install 'threed[workers]'.", where="byte 0"
        ) from None
    return Tf


def _read(source: Source, folder: Path, budget: Budget) -> Document:
    from pxr import Usd, UsdGeom, UsdUtils

    from threed_workers.formats.usd_conversion import Conversion
    from threed_workers.formats.usd_layers import open_layers
    from threed_workers.formats.usd_scene import Scene
    from threed_workers.formats.usd_size import check_size

    heard = UsdUtils.CoalescingDiagnosticDelegate()
    layers = open_layers(source, folder, budget)
    check_size(layers, budget)
    stage = Usd.Stage.Open(layers.root)
    metres = UsdGeom.GetStageMetersPerUnit(stage)
    if not (math.isfinite(metres) and 1e-12 < metres < 1e12):
        raise FileValuesInvalid(f"A unit of {metres} metres is none.", where="metersPerUnit")
    conversion = Conversion(stage, layers, source.companions, budget, Usd.TimeCode.EarliestTime())
    up = str(UsdGeom.GetStageUpAxis(stage))
    scene = Scene(conversion, metres, up == "Z")
    scene.add_all()
    conversion.builder.note_source(metres, up)
    document = conversion.builder.finish()
    _describe(document, conversion)
    if not UsdGeom.StageHasAuthoredMetersPerUnit(stage):
        text = "The stage says no unit: centimetres are assumed, as USD does."
        document.issues.append(issue("UNITS_ASSUMED", "INFO", "", text))
    document.issues += _composition_issues(heard, layers)
    return document


def _describe(document: Document, conversion: Any) -> None:
    """Notes of the stage, and what was lost."""
    from threed_workers.formats.usd_extras import bounded

    layers = conversion.layers
    notes = (
        bounded({"customLayerData": dict(layers.root.customLayerData)}, conversion)
        if layers.root.customLayerData
        else {}
    )
    if notes:
        document.json["asset"]["extras"] |= notes
    if layers.clips:
        conversion.lose("value clips", "Samples that lie in other layers are left out.", layers.clips)
    if layers.expressions:
        conversion.lose("expression variables", "Names that are put together from variables are not read.")
    conversion.findings.report(document)
    if not document.all("meshes"):
        document.issues.append(issue("MODEL_EMPTY", "WARNING", "", "The stage shows no geometry."))


def _composition_issues(heard: Any, layers: Any) -> list:
    """What the library had to say while it composed, with the paths that the file wrote."""
    found = []
    for diagnostic in list(heard.TakeUncoalescedDiagnostics())[:_MOST_WARNINGS]:
        text = str(diagnostic.commentary).split(" (instantiating stage")[0]
        for token in sorted(layers.missing, key=len, reverse=True):
            text = text.replace(f"@{token}@", f"@{layers.missing[token][-200:]}@")
        for identifier in layers.opened:
            text = text.replace(identifier, "layer")
        missing = "missing:" in str(diagnostic.commentary)
        hint = " It was not uploaded along: upload a zip or a USDZ that holds both." if missing else ""
        code = "COMPANION_MISSING" if missing else "STAGE_COMPOSITION"
        found.append(issue(code, "WARNING", "", text[:500] + hint))
    return found


def _sentence(error: Exception) -> str:
    """The library's own words, without where in its code they stand."""
    try:
        text = str(error)
    except UnicodeDecodeError:  # it quotes the file
        return "a line is not UTF-8."
    line = next((line for line in text.splitlines() if " : '" in line), text)
    return line.rpartition(" : '")[2].strip().rstrip("'")[:300]
