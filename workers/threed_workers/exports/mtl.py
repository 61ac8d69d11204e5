"""glTF materials as an MTL library (Wavefront 1995; PBR keywords of Clara.io 2013).

Kd is the base colour as it is, linear, which is how Blender and threed read it. Pr, Pm and Ke are glTF's roughness,
metalness and emission; map_Pr and map_Pm are grey pictures made of glTF's one. d and map_d are opacity.
"""

from __future__ import annotations

from threed_workers.document import Document
from threed_workers.exports.export import Names
from threed_workers.exports.pictures import PictureFile, Pictures
from threed_workers.exports.surfaces import Surface, surface_of

_SLOTS = {"base", "surface", "normal", "emissive"}
_DIFFUSE_ONLY, _REFLECTING = 1, 2


class Library:
    """The materials that were used, by name, and the pictures that they need. `masks` counts alpha masks,
    `disagreeing` the materials whose maps lie on the surface in different ways, where MTL knows one."""

    def __init__(self, document: Document):
        self._document = document
        self._names = Names()
        self._used: dict[int | None, str] = {}
        self.pictures = Pictures(document)
        self.masks = 0
        self.disagreeing = 0

    def use(self, material: int | None) -> str:
        """The name of a material in the library; None is glTF's default one."""
        if material not in self._used:
            wanted = surface_of(self._document, material).name if material is not None else "default"
            self._used[material] = self._names.unique(wanted, f"material_{material}")
        return self._used[material]

    def text(self) -> bytes:
        """The library; the pictures are known afterwards."""
        blocks = ["# made by threed\n"]
        for material, title in self._used.items():
            surface = surface_of(self._document, material)
            self.masks += surface.alpha_mode == "MASK"
            self.disagreeing += len({surface.maps[slot].coordinates for slot in _SLOTS & surface.maps.keys()}) > 1
            blocks.append(f"newmtl {title}\n" + "".join(f"{line}\n" for line in self._lines(surface)))
        return "\n".join(blocks).encode()

    def _lines(self, surface: Surface) -> list[str]:
        # The Phong exponent for readers without Pr: roughness is sqrt(2 / (Ns + 2)) (Karis 2013).
        exponent = min(1000.0, max(0.0, 2.0 / max(surface.roughness, 0.01) ** 2 - 2.0))
        lines = [
            f"Kd {_numbers(surface.color[:3])}",
            f"Ks {_numbers(surface.metallic * part for part in surface.color[:3])}",
            f"Ns {exponent:.6g}",
            f"Ni {surface.ior:.6g}",
            f"Pr {surface.roughness:.6g}",
            f"Pm {surface.metallic:.6g}",
            f"Ke {_numbers(surface.emissive)}",
            f"d {surface.color[3] if surface.alpha_mode != 'OPAQUE' else 1.0:.6g}",
            f"illum {_REFLECTING if surface.metallic else _DIFFUSE_ONLY}",
        ]
        return lines + [f"{word} textures/{file.name}" for word, file in self._maps(surface) if file is not None]

    def _maps(self, surface: Surface) -> list[tuple[str, PictureFile | None]]:
        found: list[tuple[str, PictureFile | None]] = []
        for slot, word in (("base", "map_Kd"), ("emissive", "map_Ke"), ("normal", "norm")):
            if slot in surface.maps:
                found.append((word, self.pictures.of(surface.maps[slot].texture)))
        if "surface" in surface.maps:
            texture = surface.maps["surface"].texture
            found.append(("map_Pr", self.pictures.channel(texture, "G")))
            found.append(("map_Pm", self.pictures.channel(texture, "B")))
        if "base" in surface.maps and surface.alpha_mode != "OPAQUE":
            found.append(("map_d", self.pictures.channel(surface.maps["base"].texture, "A")))
        return found


def _numbers(values) -> str:
    return " ".join(f"{value:.6g}" for value in values)
