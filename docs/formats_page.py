"""The page docs/formats.md: what of each format comes through, seen by importing the samples that the tests make.

Nothing here says that a format keeps something: the import of a sample shows it. By hand is only what no sample can
show: the unit and the axis that are taken where a file is silent (`SILENT`), and the text around the tables.
"""

from __future__ import annotations

import importlib.util
import inspect
import io
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from threed_workers import formats
from threed_workers.budget import GIB, MIB, Budget
from threed_workers.default_material import MATTE
from threed_workers.document import Document, read_glb
from threed_workers.formats import Format
from threed_workers.importing import import_file
from threed_workers.inventory import inventory
from threed_workers.samples import SAMPLES, sample

BUDGET = Budget()

# What a model format takes where the file does not say: the unit, and the axis that points upwards. "always": where no
# file of the format can say.
SILENT = {
    **dict.fromkeys(("glb", "gltf", "obj", "ply", "off", "vrml"), ("always metres", "always +Y")),
    **dict.fromkeys(("3ds", "e57"), ("always metres", "always +Z")),
    **dict.fromkeys(("3mf", "amf", "step"), ("millimetres", "always +Z")),
    **dict.fromkeys(("fbx", "usd", "usdz"), ("centimetres", "+Y")),
    "dae": ("metres", "+Y"),
    "las": ("metres", "always +Z"),
    "stl": ("always millimetres", "always +Z"),
    "x3d": ("metres", "always +Y"),
}
# Sentences of a reader's own description that say what it leaves.
_LEAVES = re.compile(r"\b(loss|losses|lost|loses|left out|not read|do nothing|never looked for)\b")


@dataclass(frozen=True)
class Taken:
    """One sample, imported: its bytes, the report, and the normalized GLB, which pictures do not have."""

    data: bytes
    report: dict[str, Any]
    document: Document | None
    counts: dict[str, Any]


def _counts(*names: str) -> Callable[[Taken], bool]:
    return lambda taken: any(taken.counts[name] for name in names)


def _noted(key: str) -> Callable[[Taken], bool]:
    return lambda taken: key in _extras(taken).get("threed", {})


def _extras(taken: Taken) -> dict[str, Any]:
    return taken.document.json["asset"].get("extras") or {}


def _names(taken: Taken) -> bool:
    """Whether a node has a name that stands in the file: readers name the nodes that they add."""
    names = {node.get("name") for node in taken.document.all("nodes")} - {None, ""}
    return any(name.encode() in taken.data for name in names)


def _materials(taken: Taken) -> bool:
    return any(material != MATTE for material in taken.document.all("materials"))


def _own_extras(taken: Taken) -> bool:
    """Extras beside those that no file has, but that threed and the reader of STEP write."""
    meshes = (mesh.get("extras") or {} for mesh in taken.document.all("meshes"))
    made = sum(set(extras) in ({"threed"}, {"cascadio"}) for extras in (_extras(taken), *meshes))
    return taken.counts["extras"] > made


FEATURES: dict[str, Callable[[Taken], bool]] = {
    "nodes, names": _names,
    "materials": _materials,
    "textures": _counts("textures"),
    "UV sets": _counts("uv_sets"),
    "vertex colours": _counts("color_sets"),
    "normals": _counts("normals"),
    "tangents": _counts("tangents"),
    "animations": _counts("animations"),
    "skins": _counts("skins"),
    "morph targets": _counts("morph_targets"),
    "cameras": _counts("cameras"),
    "lights": _counts("lights"),
    "points": _counts("points"),
    "lines": _counts("lines"),
    "extras": _own_extras,
    "unit": _noted("source_unit_m"),
    "axes": _noted("source_up"),
}

_TEXT = """# Which files can I upload, and what is kept?

<!-- Written by docs/generate.py from what the importers make of workers/threed_workers/samples. Change it there. -->

Models, pictures and panoramas. The content of a file decides its format, never its name. The original is kept as it is;
beside it every model gets a normalized GLB (glTF 2.0; metres, +Y up, everything embedded), and that is what everything
else works on. So "kept" means: it is in the normalized GLB. What each format is, in one line:
[formats.md](../protos/threed/v1/formats.md) of the contract. What goes out again: [exports.md](exports.md).

## Models

Each "yes" was seen: the tests make small files of every format, this page imports them, and counts what the normalized
GLB has. **An empty cell means: not shown by the samples that the tests make.** It does not mean that the feature is
lost; what an import loses, it lists in `Asset.losses` of that asset, with a count and a reason.

{features}

* glTF goes through as a document, whatever the cells of `glb` and `gltf` say: unknown extensions and extras survive.
* **nodes, names**: a node has the name that the file gives it.
* **materials**: those of the file. Surfaces without one get one that is matte white and seen from both sides; not those
  of a glTF, where such a surface is a rough white metal (glTF 2.0, section 3.9.2) and stays one.
* **normals**: from the file or, where it has none and draws facets, computed.
* **extras**: what glTF has no place for, as `extras` of what it belongs to.
* **unit, axes**: what the file was read in is noted in `asset.extras.threed`, as `source_unit_m` and `source_up`. The
  model itself stands in metres, +Y up, from every format; see below.

## What is listed as lost

`Marked` are the losses that the imports of the samples listed; the sentences are what the readers say of themselves.

{losses}

## Pictures

{pictures}

Pictures stay the files that they are; a picture that does not decode is refused. `hdr` and `exr` are an ENVIRONMENT
when they are twice as wide as high (an equirectangular panorama), else a TEXTURE. Thumbnails of both are tone mapped.

## Zips

A zip is a bundle of **one model with its companions**, or of **one picture**. A zipped AMF or COLLADA (`.zae`) is one
too; {packages} are zips of their own, and a bundle may hold one of them.

* The model is found by content: glTF and GLB before all others, OBJ, OFF, PLY and STL only when there is no other,
  the rest in the order of this page. Of several of one format, the one nearest to the root of the zip counts; of USD
  layers, the one that no other refers to. Two that are equally near are refused: upload one at a time.
* Companions (buffers, textures, material libraries, layers) are found by the name that the model gives, inside the zip
  and nowhere else. One that is not there is reported (`COMPANION_MISSING`) or, where the model cannot do without,
  refused.
* At most {entries:,} files, {bytes} unpacked, and a file above {from_} at most {ratio} times its packed size. Stored or
  deflated; no passwords, no links, no names that lead out, no two files of one name.
* `__MACOSX`, `.DS_Store`, `Thumbs.db` and `desktop.ini` are passed over.

## Units and axes

What is taken when the file does not say; "always" where no file of the format can say.

{units}

An assumption that is reported is an issue of the validation, `UNITS_ASSUMED`. What is said at upload takes
the place of what the file or its format says, and the whole model follows, with its lights, cameras and volumes:

```sh
threed upload bracket.obj --unit mm --up z
```

`--unit` is mm, cm, m, in, ft, or a number of metres; `--up` is x, y or z. In the contract that is
`import_options.unit_m` and `import_options.up_axis`; over REST:

```sh
curl --data-binary @bracket.obj -H "authorization: Bearer $TOKEN" \\
  "$URL/v1/assets/upload?filename=bracket.obj&requestId=$(uuidgen)&importOptions.unitM=0.001&importOptions.upAxis=Z"
```

## How do I add a format?

1. One file: `workers/threed_workers/formats/<name>.py`, with what the protocol `Format` asks for.
2. A line in `ALL` of `workers/threed_workers/formats/__init__.py`.
3. A sample of its name in `workers/threed_workers/samples/files.py`. The suite `tests/formats/suite.py` runs for it.
4. A row in `protos/threed/v1/formats.md`.
5. For a model, what it takes where the file is silent: `docs/formats_page.py`. Then `make generate` writes this page.
"""


def missing() -> str:
    """What must be installed before the page can be written, as a sentence; empty when nothing is missing."""
    if importlib.util.find_spec("cascadio") is None:
        return "docs/formats.md shows what STEP keeps, and its reader is not installed: pip install 'threed[step]'."
    return ""


def formats_page() -> str:
    """docs/formats.md. Raises SystemExit, with the sentence, where a reader is missing."""
    if sentence := missing():
        raise SystemExit(sentence)
    taken: dict[str, list[Taken]] = {}
    for name in SAMPLES:
        found = _taken(name)
        taken.setdefault(found.report["file_format"], []).append(found)
    models = [format for format in formats.ALL if format.asset_type == "MODEL"]
    return _TEXT.format(
        features=_table(("", *FEATURES), (_feature_row(format, taken[format.name]) for format in models)),
        losses=_table(("format", "listed as lost"), (_loss_row(format, taken[format.name]) for format in models)),
        pictures=_pictures(taken),
        packages=" and ".join(f"`{format.name}`" for format in formats.PACKAGES),
        entries=BUDGET.archive_entries,
        bytes=f"{BUDGET.archive_bytes // GIB} GiB",
        from_=f"{BUDGET.archive_ratio_from // MIB} MiB",
        ratio=BUDGET.archive_ratio,
        units=_table(("format", "unit", "up"), ((f"`{format.name}`", *SILENT[format.name]) for format in models)),
    )


def _taken(name: str) -> Taken:
    """A sample as an upload would be taken in, but without the sandbox: we made it."""
    data = sample(name)
    with TemporaryDirectory() as folder:
        source = Path(folder) / "upload"
        source.write_bytes(data)
        report = import_file(source, "upload", Path(folder), BUDGET, lambda step, fraction: None)
        if report["model"] is None:
            return Taken(data, report, None, {})
        normalized = memoryview((Path(folder) / report["files"]["normalized"]).read_bytes())
    document = read_glb(normalized, BUDGET)
    return Taken(_unpacked(data), report, document, inventory(document))


def _unpacked(data: bytes) -> bytes:
    """The bytes of a zip's members behind each other; of another file, its own."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


def _feature_row(format: Format, samples: list[Taken]) -> tuple[str, ...]:
    return (f"`{format.name}`", *("yes" if any(map(shown, samples)) else "" for shown in FEATURES.values()))


def _loss_row(format: Format, samples: list[Taken]) -> tuple[str, str]:
    """Losses of the render copy are not of the format."""
    losses = (loss for taken in samples for loss in taken.report["losses"] if loss["file"] == "normalized")
    found = [f"`{feature}`." for feature in sorted({loss["feature"] for loss in losses})]
    sentences = re.split(r"(?<=\.)\s+", " ".join(inspect.getdoc(format).split()))
    found += [sentence for sentence in sentences if _LEAVES.search(sentence)]
    return f"`{format.name}`", " ".join(found)


def _pictures(taken: dict[str, list[Taken]]) -> str:
    rows = []
    for format in formats.ALL:
        if format.asset_type != "MODEL":
            seen = taken[format.name][0].report
            picture = seen["picture"]
            shape = (
                f"{picture['width_px']} x {picture['height_px']}, {picture['channels']} x {picture['bit_depth']} bit"
            )
            rows.append((f"`{format.name}`", ", ".join(format.extensions), shape, seen["asset_type"]))
    return _table(("format", "suffixes", "sample", "became"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    written = ["|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in lines]
    return "\n".join((written[0], "|--" * len(lines[0]) + "|", *written[1:]))
