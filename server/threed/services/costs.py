"""What each part of making a derivative costs: one row for each step of recipes, each export, and what is always done.

Measured by benchmarks/estimates.py, which compares the rows with what confined children really take; run it after a
change of a step, and mend the row.
"""

from __future__ import annotations

from typing import NamedTuple


class Rates(NamedTuple):
    """Bytes of memory or processor seconds for each byte of accessors, triangle, pixel, object; and once.

    `shape` is for each byte of accessors that a mesh without skin, morph targets and animations would have.
    """

    byte: float = 0.0
    triangle: float = 0.0
    pixel: float = 0.0
    object: float = 0.0
    fixed: float = 0.0
    shape: float = 0.0


class Cost(NamedTuple):
    """Memory that is taken meanwhile and given back, memory that stays until the process ends, and time.

    `whole`: the memory of `work` goes by the whole model; else by its largest primitive and its largest picture, since
    one after the other is worked on. `needs`: what of `estimating.Amounts` must be there for anything to happen.
    """

    work: Rates = Rates()
    kept: Rates = Rates()
    seconds: Rates = Rates()
    whole: bool = False
    needs: str = ""


_MIB = 1 << 20
BASE_BYTES = 36 * _MIB  # a confined child that has done nothing yet

# What only looks at the JSON, and what drops numbers: the buffer is copied without them.
_LIGHT = Cost(work=Rates(object=500), seconds=Rates(object=3e-5))
_DROPS = Cost(work=Rates(object=600), kept=Rates(byte=0.7), seconds=Rates(object=5e-5))
# Encoders hold a picture a few times. PNG and what is larger afterwards stays.
_ENCODE = Cost(work=Rates(pixel=15, fixed=8 * _MIB), kept=Rates(pixel=1.3), seconds=Rates(pixel=1.4e-7))
_KTX2 = Cost(work=Rates(pixel=42, fixed=157 * _MIB), kept=Rates(pixel=4), seconds=Rates(pixel=7.2e-6))

COSTS: dict[str, Cost] = {
    "reading": Cost(kept=Rates(object=2000), seconds=Rates(byte=1.2e-9, object=5e-5, fixed=0.04)),
    # Steps
    "dedup": Cost(work=Rates(object=1500), seconds=Rates(object=1.2e-4)),
    "prune": _DROPS,
    "weld": Cost(Rates(byte=1.6, object=500), Rates(byte=0.5), Rates(byte=3.5e-9, object=5e-5)),
    "unweld": Cost(
        Rates(triangle=130, object=1700),
        Rates(triangle=125),
        Rates(triangle=2.8e-7, object=5e-5),
        needs="is_indexed",
    ),
    "flatten": _LIGHT,
    "join": Cost(
        Rates(byte=2.5, object=1500), Rates(byte=1.2), Rates(byte=5e-9, object=6e-5), whole=True, needs="is_split"
    ),
    "instance": _LIGHT,
    "simplify": Cost(
        Rates(byte=0.55, triangle=190, object=500),
        Rates(byte=1.5),
        Rates(byte=3e-9, triangle=8.5e-7, object=6e-5),
    ),
    "lod": Cost(
        Rates(byte=0.55, triangle=200, object=1500),
        Rates(byte=1.7, object=500),
        Rates(byte=3e-9, triangle=8.5e-7, object=8e-5),
    ),
    "reorder": Cost(
        Rates(triangle=86, object=1700),
        Rates(triangle=74),
        Rates(triangle=3.7e-7, object=5e-5),
        needs="is_indexed",
    ),
    "quantize": Cost(Rates(byte=2.2, object=800), Rates(byte=0.7, object=500), Rates(byte=5e-9, object=1.3e-4)),
    "meshopt": Cost(Rates(byte=3.2, object=1000), Rates(byte=2.3), Rates(byte=7.5e-9, object=1e-4)),
    "draco": Cost(
        Rates(byte=5.9, triangle=71, object=1700),
        Rates(byte=2.7, triangle=98),
        Rates(byte=1.6e-8, triangle=1.7e-6, object=1.6e-4),
    ),
    "normals": Cost(
        Rates(byte=1.8, triangle=185, object=1700),
        Rates(byte=2.4, triangle=57),
        Rates(byte=5.5e-9, triangle=4.5e-7, object=1.5e-4),
    ),
    "tangents": Cost(Rates(triangle=1100), Rates(triangle=350), Rates(triangle=5.2e-6, object=3e-5), needs="images"),
    "unlit": _DROPS,
    "recenter": _LIGHT,
    "scale": _LIGHT,
    "resample": Cost(Rates(byte=0.7), Rates(byte=0.7), Rates(byte=2e-8, object=3e-5), needs="animations"),
    "trim": Cost(Rates(byte=1.6), Rates(byte=1.5), Rates(byte=1.6e-8, object=3e-5), needs="animations"),
    "remove": _DROPS,
    "texture_resize": Cost(Rates(pixel=26, fixed=40 * _MIB), Rates(pixel=0.9), Rates(pixel=1.2e-7), needs="images"),
    "texture_encode": _ENCODE._replace(needs="images"),
    "texture_encode JPEG": _ENCODE._replace(seconds=Rates(pixel=3.4e-8), needs="images"),
    "texture_encode PNG": _ENCODE._replace(seconds=Rates(pixel=4.7e-7), needs="images"),
    "texture_encode AVIF": _ENCODE._replace(
        work=Rates(pixel=30, fixed=25 * _MIB), seconds=Rates(pixel=7.5e-7), needs="images"
    ),
    "texture_encode KTX2": _KTX2._replace(needs="images"),
    "texture_encode KTX2_UASTC": _KTX2._replace(
        work=Rates(pixel=12, fixed=36 * _MIB), seconds=Rates(pixel=1.02e-5), needs="images"
    ),
    "texture_encode KTX2_ETC1S": _KTX2._replace(seconds=Rates(pixel=3.5e-6), needs="images"),
    "palette": Cost(work=Rates(object=1000), seconds=Rates(object=3e-5)),
    "clean_attributes": _DROPS,
    "atlas": Cost(Rates(pixel=9), Rates(pixel=4.5), Rates(pixel=4.6e-7), whole=True, needs="images"),
    # Exports: what `writing` has made is handed out as it is, or becomes another file.
    "writing": Cost(Rates(byte=0.1, pixel=0.25, object=500), seconds=Rates(byte=6e-10, object=8e-5), whole=True),
    "export_glb": Cost(seconds=Rates(fixed=0.01)),
    "export_gltf": Cost(Rates(byte=1.4, pixel=0.25, object=1600), seconds=Rates(byte=2.2e-8, object=1e-5), whole=True),
    "export_obj": Cost(
        Rates(shape=6.2, triangle=30, object=500),
        seconds=Rates(shape=1e-7, triangle=1.5e-6, object=1.5e-4),
        whole=True,
    ),
    "export_stl": Cost(
        Rates(shape=5.5, triangle=20, fixed=15 * _MIB),
        seconds=Rates(shape=3e-9, triangle=4.5e-7, object=1e-4),
        whole=True,
    ),
    "export_ply": Cost(Rates(shape=8.3), seconds=Rates(shape=1.4e-8, object=1.5e-4), whole=True),
    "export_3mf": Cost(
        Rates(shape=5.4, object=500), seconds=Rates(shape=8e-9, triangle=1.9e-6, object=1.1e-4), whole=True
    ),
    "export_usdz": Cost(
        Rates(byte=3.5, triangle=20, object=8000, fixed=15 * _MIB),
        seconds=Rates(byte=8e-9, triangle=4e-7, object=4e-4, fixed=0.25),
        whole=True,
    ),
    "export_points": Cost(Rates(shape=8.3), seconds=Rates(shape=3.5e-8, object=1.3e-4), whole=True),
    # The Khronos validator is a process of its own, for all derivatives.
    "validating": Cost(seconds=Rates(byte=2e-8, object=1e-4, fixed=0.05)),
    # Of the original and the result, by `Amounts.beside`. The renderer's own memory is `fixed`.
    "proving": Cost(
        Rates(byte=3.9, triangle=152, pixel=8, object=13_000, fixed=150 * _MIB),
        seconds=Rates(byte=1e-8, triangle=3.5e-6, pixel=2e-8, object=1.4e-4, fixed=2.0),
        whole=True,
    ),
}
