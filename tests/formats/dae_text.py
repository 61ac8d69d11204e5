"""COLLADA files for the tests, written as text."""

from __future__ import annotations

SQUARE = "0 0 0  1 0 0  1 1 0  0 1 0"


def collada(*libraries: str, up: str = "Y_UP", meter: float = 1, attributes: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" '
        f'version="1.4.1" {attributes}><asset><contributor><authoring_tool>by hand</authoring_tool></contributor>'
        f'<unit name="u" meter="{meter}"/><up_axis>{up}</up_axis></asset>{"".join(libraries)}</COLLADA>'
    ).encode()


def floats(name: str, values: str, params: str = "XYZ", stride: int | None = None) -> str:
    count = len(values.split())
    width = stride or len(params)
    named = "".join(f'<param name="{param}" type="float"/>' for param in params)
    return (
        f'<source id="{name}"><float_array id="{name}-array" count="{count}">{values}</float_array><technique_common>'
        f'<accessor source="#{name}-array" count="{count // width}" stride="{width}">{named}</accessor>'
        "</technique_common></source>"
    )


def names(name: str, words: str, tag: str = "Name_array") -> str:
    return (
        f'<source id="{name}"><{tag} id="{name}-array" count="{len(words.split())}">{words}</{tag}><technique_common>'
        f'<accessor source="#{name}-array" count="{len(words.split())}" stride="1"><param name="N" type="name"/>'
        "</accessor></technique_common></source>"
    )


def entry(semantic: str, source: str, offset: int | None = None, number: int | None = None) -> str:
    more = "" if offset is None else f' offset="{offset}"'
    more += "" if number is None else f' set="{number}"'
    return f'<input semantic="{semantic}" source="#{source}"{more}/>'


def geometry(primitives: str, points: str = SQUARE, more: str = "", name: str = "g") -> str:
    return (
        f'<library_geometries><geometry id="{name}" name="{name}"><mesh>{floats(name + "-p", points)}{more}'
        f'<vertices id="{name}-v">{entry("POSITION", name + "-p")}</vertices>{primitives}</mesh></geometry>'
        "</library_geometries>"
    )


def polylist(sizes: str, corners: str, inputs: str = "", material: str = "m", name: str = "g") -> str:
    return (
        f'<polylist count="{len(sizes.split())}" material="{material}">{entry("VERTEX", name + "-v", 0)}{inputs}'
        f"<vcount>{sizes}</vcount><p>{corners}</p></polylist>"
    )


def scene(*nodes: str, name: str = "s") -> str:
    return (
        f'<library_visual_scenes><visual_scene id="{name}" name="{name}">{"".join(nodes)}</visual_scene>'
        f'</library_visual_scenes><scene><instance_visual_scene url="#{name}"/></scene>'
    )


def shown(what: str = '<instance_geometry url="#g"/>', transform: str = "", name: str = "n") -> str:
    return f'<node id="{name}" name="{name}">{transform}{what}</node>'


def bound(*binds: str, target: str = "mat") -> str:
    return (
        '<instance_geometry url="#g"><bind_material><technique_common>'
        f'<instance_material symbol="m" target="#{target}">{"".join(binds)}</instance_material>'
        "</technique_common></bind_material></instance_geometry>"
    )


def material(shading: str, params: str = "", extra: str = "") -> str:
    return (
        '<library_images><image id="img"><init_from>file:///C:/My%20Files/wood.png</init_from></image></library_images>'
        '<library_materials><material id="mat" name="mat"><instance_effect url="#fx"/></material></library_materials>'
        f'<library_effects><effect id="fx"><profile_COMMON>{params}<technique sid="common">{shading}{extra}</technique>'
        "</profile_COMMON></effect></library_effects>"
    )


SAMPLER = (
    '<newparam sid="surf"><surface type="2D"><init_from>img</init_from></surface></newparam><newparam sid="samp">'
    "<sampler2D><source>surf</source><wrap_s>MIRROR</wrap_s></sampler2D></newparam>"
)


def animation(
    target: str,
    times: str,
    values: str,
    params: str = "V",
    kinds: str = "",
    tangents: tuple[str, str] | None = None,
    name: str = "a",
) -> str:
    inputs = entry("INPUT", f"{name}-i") + entry("OUTPUT", f"{name}-o")
    sources = floats(f"{name}-i", times, "T") + floats(f"{name}-o", values, params)
    if kinds:
        sources += names(f"{name}-k", kinds)
        inputs += entry("INTERPOLATION", f"{name}-k")
    if tangents:
        sources += floats(f"{name}-a", tangents[0], "XY") + floats(f"{name}-l", tangents[1], "XY")
        inputs += entry("IN_TANGENT", f"{name}-a") + entry("OUT_TANGENT", f"{name}-l")
    return (
        f'<animation id="{name}">{sources}<sampler id="{name}-s">{inputs}</sampler>'
        f'<channel source="#{name}-s" target="{target}"/></animation>'
    )


def animations(*found: str) -> str:
    return f"<library_animations>{''.join(found)}</library_animations>"
