"""Whether a libLLVM is used depends on a picture that it drew, not on its name; and what it draws then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from threed_workers.engines.tracing.llvm import found
from threed_workers.engines.tracing.variant import DRJIT, VARIABLE
from threed_workers.samples.shapes import sphere

from .pieces import model


def looked_for(folder: Path, library: Path) -> str:
    command = [sys.executable, "-m", "threed_workers.engines.tracing.llvm", str(folder / "llvm")]
    subprocess.run(command, check=True, env=os.environ | {DRJIT: str(library)}, timeout=120)
    return (folder / "llvm").read_text()


def test_a_library_that_cannot_draw_is_not_used(tmp_path):
    # Given something that is no LLVM, called one
    library = tmp_path / "libLLVM-19.so"
    library.write_bytes(b"\x7fELF")
    assert looked_for(tmp_path, library) != str(library)


def test_without_a_library_the_scalar_variant_runs(tmp_path):
    # Given a file that names a library which has gone
    (tmp_path / "llvm").write_text(str(tmp_path / "gone.so"))
    question = "from threed_workers.engines.tracing.variant import loaded; print(loaded()[1])"
    environment = os.environ | {VARIABLE: str(tmp_path / "llvm")}
    said = subprocess.run([sys.executable, "-c", question], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "scalar_rgb"


# Two cameras around a ball, lit by the studio. Arguments: a folder, how many pictures there will be.
_PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from threed_workers.engines import framing
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Settings
from threed_workers.engines.models import Model
from threed_workers.engines.path_traced import PathTraced
folder, pictures = Path(sys.argv[1]), int(sys.argv[2])
model = Model.open(folder / "ball.glb")
drawing = Drawing((Instance(model, np.eye(4)),), model.corners(), backdrop=Backdrop("transparent"))
settings = Settings(48, 48, 32, denoise=False, pictures=pictures)
session = PathTraced().prepare(drawing, settings, folder)
for yaw in (0.4, 1.3):
    view = framing.framed(model.corners(), yaw, 0.3, framing.YFOV, framing.MARGIN, 1.0)
    for last in session.render(view):
        pass
    np.save(folder / f"{pictures}-{yaw}.npy", last.radiance)
    print(session._variant, len(list((folder / "compiled").glob("*.bin"))), flush=True)
"""


@pytest.fixture(scope="module")
def library() -> str:
    """A libLLVM that works; skips the test when there is none, and fails it in CI."""
    path = found()
    if not path and os.environ.get("CI"):
        pytest.fail("Path tracing with LLVM must run in CI: `make servers` installs it.")
    return path or pytest.skip("no libLLVM works here")


def test_with_llvm_the_same_picture_is_drawn_and_other_cameras_compile_nothing(library, tmp_path):
    # Given a ball of rough metal that glows, and so many pictures of it that LLVM is worth its while
    metal = {"metallicFactor": 0.5, "roughnessFactor": 0.6}
    surface = {"pbrMetallicRoughness": metal, "emissiveFactor": [0.1, 0.05, 0]}
    (tmp_path / "ball.glb").write_bytes(model(sphere(32, 16), surface))
    (tmp_path / "llvm").write_text(library)
    environment = os.environ | {VARIABLE: str(tmp_path / "llvm"), "DRJIT_CACHE_DIR": str(tmp_path / "compiled")}

    def drawn(pictures: int) -> tuple[list[str], list[np.ndarray]]:
        command = [sys.executable, "-c", _PROGRAM, str(tmp_path), str(pictures)]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return said.stdout.split(), [np.load(tmp_path / f"{pictures}-{yaw}.npy") for yaw in (0.4, 1.3)]

    few, scalar = drawn(1)
    many, traced = drawn(1 << 20)
    assert few == ["scalar_rgb", "0", "scalar_rgb", "0"]
    assert many[::2] == ["llvm_ad_rgb"] * 2 and int(many[1]) > 0 and many[1] == many[3]
    for one, other in zip(scalar, traced, strict=True):
        assert np.abs(one[..., 3] - other[..., 3]).mean() < 0.01
        ball = (one[..., 3] > 0.99) & (other[..., 3] > 0.99)
        assert other[ball].mean(axis=0) == pytest.approx(one[ball].mean(axis=0), rel=0.01)


# A ball in a white room, seen from afar.
_FURNACE = """
import json, sys
from pathlib import Path
import numpy as np
from threed_workers.engines import framing
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Settings, Sky
from threed_workers.engines.models import Model
from threed_workers.engines.path_traced import PathTraced
folder = Path(sys.argv[1])
model = Model.open(folder / "ball.glb")
sky, clear = Sky(file=folder / "white.png"), Backdrop("transparent")
drawing = Drawing((Instance(model, np.eye(4)),), model.corners(), sky=sky, backdrop=clear)
session = PathTraced().prepare(drawing, Settings(48, 48, 256, denoise=False, pictures=1 << 20), folder)
*_, last = session.render(framing.framed(model.corners(), 0.4, 0.3, framing.YFOV, framing.MARGIN, 1.0))
np.save(folder / "radiance.npy", last.radiance)
print(json.dumps(session.losses))
"""


def in_a_white_room(library: str, folder: Path, material: dict) -> tuple[np.ndarray, np.ndarray]:
    """(the light of a ball (n, 3) in a room that is 1 everywhere, how far each is from its middle; 1 is its rim)."""
    (folder / "ball.glb").write_bytes(model(sphere(96, 48), material))
    Image.new("RGB", (16, 8), "white").save(folder / "white.png")
    (folder / "llvm").write_text(library)
    command = [sys.executable, "-c", _FURNACE, str(folder)]
    environment = os.environ | {VARIABLE: str(folder / "llvm")}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == []  # Nothing is lost.
    light = np.load(folder / "radiance.npy")
    rows, columns = np.nonzero(light[..., 3] > 0.999)
    away = np.hypot(rows - rows.mean(), columns - columns.mean()) / ((len(rows) / np.pi) ** 0.5)
    return light[rows, columns, :3], away


def rings(light: np.ndarray, away: np.ndarray) -> list[np.ndarray]:
    """The mean light of five rings, from the middle to the rim."""
    return [light[(away >= inner) & (away < inner + 0.2)].mean(axis=0) for inner in np.arange(0, 1, 0.2)]


@pytest.mark.parametrize("roughness", [0.3, 0.7, 1.0])
def test_with_llvm_white_metal_is_white_in_a_white_room(library, tmp_path, roughness):
    surface = {"pbrMetallicRoughness": {"metallicFactor": 1.0, "roughnessFactor": roughness}}
    for ring in rings(*in_a_white_room(library, tmp_path, surface)):
        assert ring == pytest.approx([1, 1, 1], abs=0.01)


def velvet(base: float, colour: list[float], roughness: float) -> dict:
    """Paper under sheen."""
    surface = {"baseColorFactor": [base, base, base, 1.0], "metallicFactor": 0.0}
    sheen = {"sheenColorFactor": colour, "sheenRoughnessFactor": roughness}
    return {"pbrMetallicRoughness": surface, "extensions": {"KHR_materials_sheen": sheen}}


def test_with_llvm_sheen_is_bright_at_the_rim_and_has_its_colour(library, tmp_path):
    # Black under red velvet: there is no blue in what it adds
    seen = rings(*in_a_white_room(library, tmp_path, velvet(0.0, [1.0, 0.2, 0.0], 0.3)))
    reds, greens = ([ring[channel] - ring[2] for ring in seen] for channel in (0, 1))
    assert reds == sorted(reds) and reds[-1] > 5 * reds[0]
    assert greens == pytest.approx([0.2 * red for red in reds], abs=0.001)


@pytest.mark.parametrize(("roughness", "light"), [(0.3, 0.807), (0.6, 0.834), (1.0, 0.889)])
def test_with_llvm_sheen_reflects_as_much_as_with_cycles(library, tmp_path, roughness, light):
    # Spheres of base colour 0.8 in uniform light, by Cycles 4.5
    seen, _ = in_a_white_room(library, tmp_path, velvet(0.8, [1.0, 1.0, 1.0], roughness))
    assert seen.mean() == pytest.approx(light, abs=0.01)
