"""What is unused or of an odd size, targets, and how findings are collected."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document import read_glb, write_glb
from threed_workers.document.checks import check
from threed_workers.inventory import inventory
from threed_workers.quality import CHECKS, PROFILES, Limits, Profile, Subject, check_all
from threed_workers.quality.budget import drawn, glb_bytes
from threed_workers.samples import animated_model, triangle
from threed_workers.samples import glb_bytes as glb_bytes_of

from .models import CUBE, CUBE_TRIANGLES, SQUARE_UVS, Model, found, mesh, png, textured

ROOT = Path(__file__).parents[2]
ROOMY = Profile("roomy", None, None, None, None, None, None, False, "tests")


@pytest.mark.parametrize(
    ("scale", "implausible"), [(1, False), (0.0006, False), (0.0005, True), (5700, False), (5800, True)]
)
def test_a_size_that_things_do_not_have_is_found(scale, implausible):
    document = mesh(CUBE, CUBE_TRIANGLES)
    document.json["nodes"][0]["scale"] = [scale] * 3
    assert bool(found(document, "UNITS_IMPLAUSIBLE")) == implausible


def test_what_nothing_uses_is_counted_by_kind():
    # Given a model, and beside it a chain of things that only use each other
    document = textured(SQUARE_UVS)
    root = document.json
    root["images"].append({"bufferView": 0, "mimeType": "image/png"})
    root["materials"] += [{}, {}]
    root["nodes"] += [{"children": [2]}, {}]
    root["accessors"].append(dict(root["accessors"][0]))
    messages = {issue["pointer"]: issue["message"] for issue in found(document, "DATA_UNUSED")}
    # Then the first of each kind is pointed at
    assert set(messages) == {"/images/1", "/materials/1", "/nodes/1", "/accessors/3"}
    assert "2 of 3 materials" in messages["/materials/1"]


def test_what_is_used_is_not_reported():
    for document in (textured(SQUARE_UVS), triangle(), read_glb(memoryview(animated_model()), Budget())):
        assert found(document, "DATA_UNUSED") == []


def test_joints_outside_the_scene_and_libraries_without_a_scene_are_used():
    document = triangle()
    document.json["nodes"].append({})
    document.json["nodes"][0]["skin"] = 0
    document.json["skins"] = [{"joints": [1]}]
    assert found(document, "DATA_UNUSED") == []
    library = mesh(CUBE, CUBE_TRIANGLES)
    del library.json["scenes"], library.json["scene"]
    assert found(library, "DATA_UNUSED") == []


def test_unknown_extensions_may_use_anything():
    document = triangle()
    document.json["materials"] = [{}]
    document.json["extensionsUsed"] = ["ACME_everything"]
    assert found(document, "DATA_UNUSED") == []
    assert "ACME_everything" in found(document, "DATA_UNUSED_NOT_CHECKED")[0]["message"]


BUDGETS = [
    ("TRIANGLES", {"triangles": 11}, {"triangles": 12}),
    ("DRAW_CALLS", {"draw_calls": 0}, {"draw_calls": 1}),
    ("MATERIALS", {"materials": 1}, {"materials": 2}),
    ("TEXTURE_SIZE", {"texture_px": 11}, {"texture_px": 12}),
    ("TEXTURE_SHAPE", {"power_of_two": True}, {}),
    ("FILE_SIZE", {"file_bytes": 1000}, {"file_bytes": 10_000}),
]


def over(document, **thresholds) -> dict[str, str]:
    """Severity by what is over the budget."""
    issues = check_all(document, dataclasses.replace(ROOMY, **thresholds))
    prefix = "OVER_BUDGET_"
    return {issue["code"].removeprefix(prefix): issue["severity"] for issue in issues if prefix in issue["code"]}


def cube():
    """12 triangles, a draw call, 2 materials, a picture of 12 x 4 pixels, about 1.5 KB."""
    model = Model()
    model.material(model.texture(png(12, 4)))
    model.material()
    return model.add(CUBE, CUBE_TRIANGLES, 0).finish()


@pytest.mark.parametrize(("what", "tight", "enough"), BUDGETS, ids=[row[0] for row in BUDGETS])
def test_a_budget_is_passed_by_what_is_more_than_it(what, tight, enough):
    assert over(cube(), **tight) == {what: "WARNING"}
    assert over(cube(), **enough) == {}


def test_more_draw_calls_than_a_target_can_bear_are_an_error():
    assert over(cube(), draw_calls=0, draw_calls_max=0) == {"DRAW_CALLS": "ERROR"}
    assert over(cube(), draw_calls=0, draw_calls_max=1) == {"DRAW_CALLS": "WARNING"}


def test_what_is_drawn_counts_and_not_what_lies_in_the_file():
    # Given a cube that two nodes show, one of them three times by instancing, and one outside the scene
    model = Model()
    document = model.add(CUBE, CUBE_TRIANGLES).finish()
    places = {"attributes": {"TRANSLATION": len(document.json["accessors"])}}
    document.json["accessors"].append({"componentType": 5126, "type": "VEC3", "count": 3})
    instanced = {"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": places}}
    document.json["nodes"] = [{"mesh": 0}, instanced, {"mesh": 0}]
    document.json["scenes"] = [{"nodes": [0, 1]}]
    assert drawn(Subject(document)) == (4 * 12, 2)


def test_the_size_of_a_document_is_that_of_the_glb_it_becomes(tmp_path):
    for document in (triangle(), cube(), read_glb(memoryview(animated_model()), Budget())):
        assert glb_bytes(document) == write_glb(document, tmp_path / "a.glb")


def test_a_known_size_is_believed():
    tight = dataclasses.replace(ROOMY, file_bytes=1 << 20)
    issues = check_all(triangle(), tight, file_bytes=2 << 20)
    assert "OVER_BUDGET_FILE_SIZE" in {issue["code"] for issue in issues}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_profile_says_where_its_numbers_are_from_and_lets_a_triangle_pass(profile):
    assert profile.source
    assert over(triangle(), **dataclasses.asdict(profile)) == {}


def test_commerce_has_the_numbers_of_the_guidelines():
    commerce = PROFILES["commerce"]
    assert (commerce.triangles, commerce.texture_px, commerce.materials) == (100_000, 2048, 5)
    assert (commerce.file_bytes, commerce.power_of_two) == (5 * 2**20, True)


def test_of_each_code_some_are_listed_and_the_last_tells_of_the_others():
    model = Model()
    for _ in range(5):
        model.add(CUBE, CUBE_TRIANGLES)
    issues = found(model.finish(), "NORMALS_MISSING", issues_per_code=3)
    assert [issue["pointer"] for issue in issues] == [f"/meshes/0/primitives/{number}" for number in range(3)]
    assert issues[-1]["message"].endswith("2 more like this are not listed, of 5.")
    assert "more like this" not in issues[0]["message"]


def test_checks_change_nothing_and_say_things_that_can_be_sent():
    document = read_glb(memoryview(animated_model()), Budget())
    before = json.dumps(document.json)
    issues = check_all(document, PROFILES["mobile_ar"])
    assert json.loads(json.dumps(issues, allow_nan=False)) == issues
    assert json.dumps(document.json) == before
    assert document.issues == []
    assert {issue["severity"] for issue in issues} <= {"ERROR", "WARNING", "INFO", "HINT"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_check_bears_an_empty_document(check):
    document = triangle()
    for kind in ("nodes", "meshes", "accessors", "bufferViews", "buffers", "scenes", "scene"):
        document.json.pop(kind)
    assert list(check(Subject(document, Limits()))) == []


def test_every_code_is_described():
    # Given the codes that the checks' sources name
    folder = ROOT / "workers/threed_workers/quality"
    source = "\n".join(path.read_text() for path in sorted(folder.glob("*.py")))
    codes = set(re.findall(r'issue\(\s*"([A-Z_]+)"', source))
    codes |= {f"OVER_BUDGET_{what}" for what in re.findall(r'_over\(\s*"([A-Z_]+)"', source)}
    # Then each has its row
    described = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/checks.md").read_text(), re.MULTILINE))
    assert codes == described
    assert len(codes) > 30


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_page_has_the_numbers_of_the_profiles(profile):
    page = (ROOT / "docs/checks.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("| ")]
    column = next(row for row in rows if f"`{profile.name}`" in row).index(f"`{profile.name}`")
    shown = {row[1].strip("`").removeprefix("OVER_BUDGET_"): row[column] for row in rows if "OVER_BUDGET" in row[1]}
    assert shown["TRIANGLES"] == f"{profile.triangles:,}"
    assert shown["MATERIALS"] == ("-" if profile.materials is None else str(profile.materials))
    calls = f"{profile.draw_calls}, at most {profile.draw_calls_max}"
    assert shown["DRAW_CALLS"] == ("-" if profile.draw_calls is None else calls)
    assert shown["TEXTURE_SIZE"] == f"{profile.texture_px} px"
    assert shown["FILE_SIZE"] == f"{profile.file_bytes // 2**20} MiB"
    assert shown["TEXTURE_SHAPE"] == ("powers of two" if profile.power_of_two else "-")


def test_damaged_files_that_are_let_in_are_survived_by_every_check():
    # Given a model with textures, damaged in its JSON or its bytes, a thousand times
    chance, whole = random.Random(3), glb_bytes_of(textured(SQUARE_UVS, transform={"scale": [2, 2]}))
    survived = 0
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 4))):
            data[chance.randrange(20, len(data))] = chance.choice((0, 255, 0x2D, 0x39, 0x5B, chance.randrange(256)))
        try:
            document = read_glb(memoryview(bytes(data)), Budget())
            check(document, Budget())
        except FileRefused:
            continue
        # When those are checked that reading lets in, then nothing is thrown
        json.dumps([inventory(document), check_all(document, PROFILES["commerce"])], allow_nan=False)
        survived += 1
    assert survived > 100


@pytest.mark.parametrize("place", ["extensions", "texCoord", "scale", "offset", "rotation"])
@pytest.mark.parametrize("value", [[], "x", {}, [None, None], 1e308, [1e308, -1e308], -7, None, True])
def test_a_texture_reference_may_hold_anything(place, value):
    document = textured(SQUARE_UVS, transform={"scale": [2, 2]})
    info = document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    (info if place == "extensions" else info["extensions"]["KHR_texture_transform"])[place] = value
    assert isinstance(check_all(document), list)


@pytest.mark.parametrize("scale", [1e150, 1e-150, 0])
def test_sizes_beyond_all_bounds_are_survived(scale):
    document = textured(SQUARE_UVS)
    document.json["nodes"][0]["scale"] = [scale] * 3
    assert isinstance(check_all(document), list)


def test_one_triangle_among_many_vertices_weighs_as_much_as_they_do():
    document = mesh(np.zeros((3000, 3), np.float32), np.array([[0, 1, 2]]))
    subject = Subject(document, Limits(mesh_triangles=999))
    assert (subject.triangles, subject.weights, subject.topologies) == ([1], [1000], {})
