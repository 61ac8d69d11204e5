"""Small stages: a quad in two materials, as text; the same in a USDZ package."""

from __future__ import annotations

import io
import zipfile

QUAD = b"""#usda 1.0
(
    defaultPrim = "quad"
    metersPerUnit = 0.01
    upAxis = "Z"
)

def Xform "quad"
{
    double3 xformOp:translate = (0, 0, 10)
    uniform token[] xformOpOrder = ["xformOp:translate"]

    def Mesh "shape" (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )
    {
        int[] faceVertexCounts = [4, 3]
        int[] faceVertexIndices = [0, 1, 2, 3, 1, 4, 2]
        point3f[] points = [(0, 0, 0), (100, 0, 0), (100, 100, 0), (0, 100, 0), (200, 0, 0)]
        texCoord2f[] primvars:st = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0), (1, 0), (0, 1)] (
            interpolation = "faceVarying"
        )
        uniform token subdivisionScheme = "none"
        uniform token subsetFamily:materialBind:familyType = "partition"
        rel material:binding = </quad/wood>

        def GeomSubset "end" (
            prepend apiSchemas = ["MaterialBindingAPI"]
        )
        {
            uniform token elementType = "face"
            uniform token familyName = "materialBind"
            int[] indices = [1]
            rel material:binding = </quad/steel>
        }
    }

    def Material "wood"
    {
        token outputs:surface.connect = </quad/wood/surface.outputs:surface>

        def Shader "surface"
        {
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor.connect = </quad/wood/picture.outputs:rgb>
            float inputs:roughness = 0.7
            token outputs:surface
        }

        def Shader "picture"
        {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @textures/wood.png@
            float2 inputs:st.connect = </quad/wood/uv.outputs:result>
            token inputs:wrapS = "repeat"
            token inputs:wrapT = "clamp"
            float3 outputs:rgb
        }

        def Shader "uv"
        {
            uniform token info:id = "UsdPrimvarReader_float2"
            string inputs:varname = "st"
            float2 outputs:result
        }
    }

    def Material "steel"
    {
        token outputs:surface.connect = </quad/steel/surface.outputs:surface>

        def Shader "surface"
        {
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor = (0.6, 0.6, 0.6)
            float inputs:metallic = 1
            float inputs:roughness = 0.3
            token outputs:surface
        }
    }
}
"""


def usdz(files: dict[str, bytes]) -> bytes:
    """A package of these files, the stage first: stored, and each at a multiple of 64 bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            start = out.tell() + 30 + len(name)
            padding = -start % 64
            padding += 64 if 0 < padding < 4 else 0
            entry.extra = b"\x86\x19" + (padding - 4).to_bytes(2, "little") + bytes(padding - 4) if padding else b""
            archive.writestr(entry, data)
    return out.getvalue()
