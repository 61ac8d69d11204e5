"""Material libraries of OBJ (Wavefront 1995; PBR keywords of Clara.io 2013) to glTF materials.

Roughness is Pr, or comes from the Phong exponent Ns as sqrt(2 / (Ns + 2)) (Karis 2013); metalness is Pm, or 0. A colour
under a picture is white, since exporters write any colour there. Bump maps are heights, which glTF has no word for.
"""

from __future__ import annotations

import math

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document import Builder, Companions, issue
from threed_workers.document.model import Json
from threed_workers.formats.surface import add_texture

# Options of map statements and how many words follow; -o, -s and -t take one to three numbers.
_OPTIONS = {"-blendu": 1, "-blendv": 1, "-boost": 1, "-bm": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1, "-mm": 2}
_OPTIONS |= {"-texres": 1, "-type": 1, "-o": 3, "-s": 3, "-t": 3}
_LOST = ("map_bump", "bump", "disp", "map_ks", "map_ka", "map_ns", "map_d", "map_pr", "map_pm", "refl", "decal")


def add_materials(
    builder: Builder, data: memoryview, companions: Companions, budget: Budget, issues: list[Json]
) -> dict[str, int]:
    """glTF material numbers by name. Lines that make no sense are passed over: a material is no reason to refuse."""
    found: dict[str, int] = {}
    for name, statements in _blocks(bytes(data), budget).items():
        found[name] = builder.add("materials", _material(builder, name, statements, companions, budget, issues))
    return found


def _blocks(text: bytes, budget: Budget) -> dict[str, dict[str, str]]:
    """The statements of each material; the last of a kind counts."""
    blocks: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    for line in text.decode("utf-8", "replace").splitlines():
        words = line.split(None, 1)
        if not words or words[0].startswith("#"):
            continue
        rest = words[1].strip() if len(words) == 2 else ""
        if words[0].lower() == "newmtl":
            current = blocks.setdefault(rest[:1000], {})
            if len(blocks) > budget.parts:
                raise FileTooComplex(f"A material library has more than {budget.parts} materials.", where="mtllib")
        elif current is not None:
            current[words[0].lower()] = rest
    return blocks


def _material(
    builder: Builder, name: str, statements: dict[str, str], companions: Companions, budget: Budget, issues: list[Json]
) -> Json:
    where = f"newmtl {name[:60]}"

    def texture(key: str) -> Json | None:
        path = _path(statements.get(key, ""))
        index = add_texture(builder, companions, path, budget, issues, where) if path else None
        return {"index": index} if index is not None else None

    base = texture("map_kd")
    color = [1.0, 1.0, 1.0] if base else _numbers(statements.get("kd"), 3) or [0.8, 0.8, 0.8]
    alpha = _alpha(statements)
    surface: Json = {
        "baseColorFactor": [*color, alpha],
        "metallicFactor": _first(statements, "pm", 0.0),
        "roughnessFactor": _first(statements, "pr", _roughness(_first(statements, "ns", 10.0, high=1e6))),
    }
    material: Json = {"name": name, "pbrMetallicRoughness": surface, "doubleSided": True}
    if base:
        surface["baseColorTexture"] = base
    if alpha < 1:
        material["alphaMode"] = "BLEND"
    normal, glow = texture("norm"), texture("map_ke")
    if normal:
        material["normalTexture"] = normal
    emitted = _numbers(statements.get("ke"), 3, high=1e6) or [0.0, 0.0, 0.0]
    if glow:
        material |= {"emissiveTexture": glow, "emissiveFactor": [1.0, 1.0, 1.0]}
    elif any(emitted):
        strength = max(1.0, *emitted)
        material["emissiveFactor"] = [part / strength for part in emitted]
        if strength > 1:
            material["extensions"] = {"KHR_materials_emissive_strength": {"emissiveStrength": strength}}
            builder.use("KHR_materials_emissive_strength")
    unused = [key for key in _LOST if key in statements]
    if unused:
        issues.append(issue("MATERIAL_MAPS_UNUSED", "INFO", where, f"Not carried over: {', '.join(unused)}."))
    return material


def _alpha(statements: dict[str, str]) -> float:
    """d is opacity; Tr is its opposite, and only counts where there is no d."""
    if "d" in statements:
        return _first(statements, "d", 1.0)
    return 1.0 - _first(statements, "tr", 0.0)


def _roughness(exponent: float) -> float:
    return math.sqrt(2.0 / (max(exponent, 0.0) + 2.0))


def _first(statements: dict[str, str], key: str, default: float, high: float = 1.0) -> float:
    found = _numbers(statements.get(key), 1, high)
    return found[0] if found else default


def _numbers(text: str | None, count: int, high: float = 1.0) -> list[float] | None:
    """`count` numbers clamped to [0, high]; one number stands for all; None for anything else ("spectral x.rfl")."""
    words = (text or "").split()
    try:
        values = [float(word) for word in words[: count if len(words) >= count else 1]]
    except ValueError:
        return None
    if not values or not all(math.isfinite(value) for value in values):
        return None
    return [min(max(value, 0.0), high) for value in (values if len(values) == count else values * count)]


def _path(statement: str) -> str:
    """The file's name, which may hold spaces, behind the options."""
    words = statement.split(" ")
    while words and words[0].lower() in _OPTIONS:
        option = words.pop(0).lower()
        for place in range(_OPTIONS[option]):
            if words and (place == 0 or option == "-mm" or _is_number(words[0])):
                words.pop(0)
    return " ".join(words).strip()


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
