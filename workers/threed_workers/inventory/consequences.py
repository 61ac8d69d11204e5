"""What must become fewer because something else did: a material that goes takes its name along.

Without this, every step that removes equal or unused things would have to name all that those may have had, and a step
that drops names on top of it would hide behind that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threed_workers.inventory.features import PREFIX

# What a thing has one of, at most, and goes with it.
_HAVE_ONE = ("names", "extras", "named_nodes")
_OWNERS = "scenes nodes meshes primitives materials textures images samplers".split()
_OWNERS += "animations channels skins cameras lights variants".split()
# What a thing has any number of.
_HAVE_MANY = {
    "animations": ("channels", "keyframes"),
    "channels": ("keyframes",),
    "images": ("image_pixels",),
    "uv_sets": ("uv_sets_max",),
    "skins": ("joints",),
    "materials": ("extensions.KHR_texture_transform",),
    "lights": ("extensions.KHR_lights_punctual",),
    "instances": ("extensions.EXT_mesh_gpu_instancing",),
    "variants": ("extensions.KHR_materials_variants",),
}


def consequences(before: Mapping[str, Any], after: Mapping[str, Any], steps: Mapping[str, str]) -> dict[str, str]:
    """`steps` (feature -> step), and whatever became fewer as a consequence of what they name.

    Names, extras and extension objects are explained as long as no more of them are gone than owners.
    """
    found = dict(steps)
    gone = {name: before.get(name, 0) - after.get(name, 0) for name in steps if name in _OWNERS or name in _HAVE_MANY}
    gone = {name: count for name, count in gone.items() if count > 0}
    for owner in gone:
        for name in _HAVE_MANY.get(owner, ()):
            found.setdefault(name, steps[owner])
    owners = [name for name in _OWNERS if name in gone]
    most = sum(gone[name] for name in owners)
    for name in before:
        if (name in _HAVE_ONE or name.startswith(PREFIX)) and 0 < before[name] - after.get(name, 0) <= most:
            found.setdefault(name, steps[owners[0]])
    return found
