"""Light from all sides: the built-in environments, and panoramas that callers upload."""

from __future__ import annotations

import lzma
from pathlib import Path

from threed.errors import SceneInvalid

FOLDER = Path(__file__).parent

# In the order in which they are listed; the first is the default. `studio.py` has a room for each.
NAMES: tuple[str, ...] = ("studio", "soft", "contrast")


def unpack(name: str, folder: Path) -> Path:
    """Write the KTX 1 of a built-in environment into `folder`; the answer is where. Raises SceneInvalid for others."""
    if name not in NAMES:
        raise SceneInvalid(
            f'There is no built-in environment "{name}". Use one of {", ".join(NAMES)}, or an asset.',
            environment=name,
        )
    target = folder / f"{name}.ktx"
    target.write_bytes(lzma.decompress((FOLDER / f"{name}.ktx.xz").read_bytes()))
    return target
