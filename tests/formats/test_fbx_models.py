"""Real FBX files: they come in, satisfy the Khronos validator, and agree with the OBJ that the same program wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from threed.errors import FileRefused
from threed_workers.document import Companions, Document, read_floats
from threed_workers.document.world import world_matrices
from threed_workers.fbx.polygons import Polygons
from threed_workers.formats import Source, fbx
from threed_workers.importing import import_file
from threed_workers.mesh.triangulate import fan, triangulate
from threed_workers.validator import Validator, missing

from .suite import BUDGET, silent

SHARED = Path(__file__).parents[3] / "shared"
MODELS, HOSTILE = SHARED / "models", SHARED / "hostile"
PICTURES = (".png", ".jpg", ".jpeg", ".tga", ".bmp", ".tif", ".webp")
CLOSE = 1e-3

# Called valid, and refused all the same.
REFUSED = {
    "assimp_assimp/test/models/FBX/transparentTest.fbx": "FILE_FORMAT_UNKNOWN",  # its zeros became blanks in a transfer
}
# What the OBJ shows and glTF cannot: by the beginning of the FBX's name, and what the losses must say of it.
BEYOND_GLTF = {
    "blender_293_suzanne_subsurf": "subdivision_surfaces",  # the OBJ is subdivided
    "blender_293x_subsurf_boundary": "subdivision_surfaces",
    "blender_312x_vertex_crease": "subdivision_surfaces",
    "max_cache_box": "point_caches",  # the OBJ is of a frame of the cache
    "maya_dq_weights": "dual_quaternion_skins",  # bounds agree; glTF bends elbows linearly
    "maya_dual_quaternion": "dual_quaternion_skins",
    "maya_nurbs_low_sphere": "nurbs_surfaces",
}


def files() -> list[dict]:
    manifest = MODELS / "manifest.json"
    if not manifest.exists():
        return []
    return [entry for entry in json.loads(manifest.read_text())["entries"] if entry["format"] == "fbx"]


def opened(path: Path) -> Source:
    beside = {file.name: file for file in path.parent.iterdir() if file.suffix.lower() in PICTURES}
    return Source(path, path.name, Companions(beside))


def pairs() -> list[tuple[Path, Path, int | None]]:
    """(FBX, OBJ, frame): of the same stem without its version; the frame stands behind it, None without one."""
    found = []
    for entry in files():
        path = MODELS / entry["file"]
        stem = re.sub(r"_\d{4}_(ascii|binary)", "", path.stem)
        for wavefront in sorted(path.parent.glob(f"{glob_safe(stem)}*.obj")):
            rest = wavefront.stem[len(stem) :]
            if re.fullmatch(r"(_\d+)?", rest):
                found.append((path, wavefront, frame_of(path, rest)))
    return found


def frame_of(path: Path, rest: str) -> int | None:
    # The OBJs of "deform" count from the beginning of that take, which begins at frame 40 of its file.
    return int(rest[1:]) + (40 if path.stem.endswith("_deform") else 0) if rest else None


def glob_safe(text: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", text)


def wavefront_triangles(path: Path, posed: bool) -> np.ndarray:
    """float64 (t, 3, 3) of the polygons of an OBJ. What is `posed` was cut to triangles at rest: fans, that is."""
    points, corners, sizes = [], [], []
    for line in path.read_text(errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            points.append([float(word) for word in words[1:4]])
        elif words[:1] == ["f"]:
            numbers = [int(word.split("/")[0]) for word in words[1:]]
            corners += [number - 1 if number > 0 else len(points) + number for number in numbers]
            sizes.append(len(numbers))
    polygons = Polygons(np.array(corners, np.int64), np.array(sizes, np.int64))
    positions = np.array(points)
    if not sizes:  # the triangle of a file that lists points alone
        return positions.reshape(-1, 3, 3)
    cut = fan(polygons.sizes) if posed else triangulate(positions, polygons.points, polygons.sizes)[0]
    return positions[polygons.points[cut]]


def posed_triangles(document: Document, frame: int | None) -> np.ndarray:
    """float64 (t, 3, 3) of the scene in the units and axes of the FBX file, at a frame of its first animation."""
    weights = pose(document, frame) if frame is not None else {}
    order, matrices = world_matrices(document, document.json["scenes"][0]["nodes"])
    places = dict(zip(order, matrices, strict=True))
    found = [np.zeros((0, 3, 3))]
    for number in order:
        node = document.all("nodes")[number]
        if "mesh" not in node:
            continue
        mesh = document.all("meshes")[node["mesh"]]
        shown = weights.get(number, node.get("weights", mesh.get("weights", [])))
        for primitive in mesh["primitives"]:
            if primitive.get("mode", 4) == 4:
                points = bent(document, primitive, shown, node, places)
                found.append(points[read_indices(document, primitive).reshape(-1, 3)])
    return to_source(document, np.concatenate(found))


def read_indices(document: Document, primitive: dict) -> np.ndarray:
    return read_floats(document, primitive["indices"]).astype(np.int64).reshape(-1)


def bent(document: Document, primitive: dict, weights: list, node: dict, places: dict) -> np.ndarray:
    """World positions (n, 3): morphed, then skinned or moved by the node (glTF 2.0 section 3.7)."""
    attributes = primitive["attributes"]
    points = read_floats(document, attributes["POSITION"]).astype(np.float64)
    for target, weight in zip(primitive.get("targets", []), weights, strict=True):
        points = points + weight * read_floats(document, target["POSITION"])
    points = np.column_stack([points, np.ones(len(points))])
    if "skin" not in node:
        return (points @ places[document.all("nodes").index(node)].T)[:, :3]
    skin = document.all("skins")[node["skin"]]
    binds = read_floats(document, skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    joints = np.array([places[joint] for joint in skin["joints"]]) @ binds
    total = np.zeros((len(points), 4))
    for lane in range(2):
        if f"JOINTS_{lane}" in attributes:
            chosen = read_floats(document, attributes[f"JOINTS_{lane}"]).astype(np.int64)
            share = read_floats(document, attributes[f"WEIGHTS_{lane}"])
            for place in range(4):
                total += share[:, place, None] * np.einsum("nij,nj->ni", joints[chosen[:, place]], points)
    return total[:, :3]


def pose(document: Document, frame: int) -> dict[int, list]:
    """Write the moment of `frame` into the nodes; the morph weights by node."""
    weights = {}
    for animation in document.all("animations")[:1]:
        about = animation["extras"]["threed"]
        moment = frame / document.json["asset"]["extras"]["threed"]["source_frame_rate"] - about["source_start_s"]
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            times = read_floats(document, sampler["input"]).reshape(-1).astype(np.float64)
            values = read_floats(document, sampler["output"]).astype(np.float64).reshape(len(times), -1)
            value = sampled(times, values, moment, sampler.get("interpolation", "LINEAR"), channel["target"]["path"])
            if channel["target"]["path"] == "weights":
                weights[channel["target"]["node"]] = value.tolist()
            else:
                document.all("nodes")[channel["target"]["node"]][channel["target"]["path"]] = value.tolist()
    return weights


def sampled(times: np.ndarray, values: np.ndarray, moment: float, interpolation: str, path: str) -> np.ndarray:
    right = int(np.searchsorted(times, moment + 1e-6, side="right"))
    if right == 0 or right == len(times):
        return values[min(right, len(times) - 1)]
    left = right - 1
    part = 0.0 if interpolation == "STEP" else (moment - times[left]) / (times[right] - times[left])
    a, b = values[left], values[right]
    if path != "rotation":
        return a + (b - a) * part
    blend = a + (b if a @ b >= 0 else -b) * part - a * part
    return blend / np.linalg.norm(blend)


def to_source(document: Document, points: np.ndarray) -> np.ndarray:
    """Back from metres and +Y up, by what the import recorded."""
    about = document.json["asset"]["extras"]["threed"]
    axes = np.zeros((3, 3))
    for row, name in enumerate((about["source_right"], about["source_up"], about["source_front"])):
        axes[row, "XYZ".index(name[1])] = 1.0 if name[0] == "+" else -1.0
    return points @ axes / about["source_unit_m"]


def area(triangles: np.ndarray) -> float:
    edges = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return float(np.linalg.norm(edges, axis=1).sum() / 2)


def difference(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """(bounds, surface): relative to the size of the reference."""
    low, high = theirs.reshape(-1, 3).min(axis=0), theirs.reshape(-1, 3).max(axis=0)
    corners = np.abs(ours.reshape(-1, 3).min(axis=0) - low), np.abs(ours.reshape(-1, 3).max(axis=0) - high)
    return float(np.max(corners) / np.linalg.norm(high - low)), abs(area(ours) / area(theirs) - 1)


every_file = pytest.mark.parametrize("entry", files(), ids=lambda entry: Path(entry["file"]).name)
every_pair = pytest.mark.parametrize(
    ("path", "wavefront", "frame"), pairs(), ids=lambda part: getattr(part, "name", part)
)
needs_files = pytest.mark.skipif(not files(), reason="the model files are not beside this checkout")


@pytest.fixture(scope="module")
def validator(tmp_path_factory):
    if missing():
        pytest.skip(missing())
    folder = tmp_path_factory.mktemp("validated")
    validator = Validator(folder)
    yield lambda name, path: validator.validate(path.rename(folder / name))
    validator.close()


@needs_files
@every_file
def test_a_file_comes_in_and_satisfies_the_validator(entry, tmp_path, validator):
    # Given a file of another program
    path = MODELS / entry["file"]
    (tmp_path / "out").mkdir()
    # When it is imported
    if entry["file"] in REFUSED:
        with pytest.raises(FileRefused) as caught:
            import_file(path, path.name, tmp_path / "out", BUDGET, silent)
        assert caught.value.reason == REFUSED[entry["file"]]
        return
    report = import_file(path, path.name, tmp_path / "out", BUDGET, silent)
    # Then it is FBX, and what was written has no errors
    assert report["file_format"] == "fbx"
    judged = validator(f"{path.stem}.glb", tmp_path / "out" / report["files"]["normalized"])
    errors = [message for message in judged["issues"]["messages"] if message["severity"] == 0]
    assert errors == []


@needs_files
@every_pair
def test_the_geometry_agrees_with_the_obj_of_the_same_scene(path, wavefront, frame):
    # Given an OBJ that the program which wrote the FBX made of the same moment
    document = fbx.read(opened(path), BUDGET)
    feature = next((what for stem, what in BEYOND_GLTF.items() if path.name.startswith(stem)), None)
    if feature is not None:
        assert feature in {loss["feature"] for loss in document.losses}
        return
    # When the document is posed, in the units and axes of the source
    ours, theirs = posed_triangles(document, frame), wavefront_triangles(wavefront, frame is not None)
    # Then bounds and surface are the same
    bounds, surface = difference(ours, theirs)
    assert bounds < CLOSE
    assert surface < CLOSE


@needs_files
def test_nearly_all_of_the_pairs_are_compared():
    compared = [path for path, _, _ in pairs() if not path.name.startswith(tuple(BEYOND_GLTF))]
    assert len(compared) >= 0.85 * len(pairs())


@pytest.mark.parametrize("path", sorted(HOSTILE.rglob("*.fbx")), ids=lambda path: path.name)
def test_a_hostile_file_is_refused_or_read_but_never_more(path, tmp_path):
    (tmp_path / "out").mkdir()
    try:
        import_file(path, path.name, tmp_path / "out", BUDGET, silent)
    except FileRefused as refusal:
        assert refusal.metadata["where"]
        assert "no check foresaw" not in refusal.message
