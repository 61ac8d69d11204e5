"""The frames of a film: PNGs of one size in the step's folder, of which one is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from threed.errors import FieldInvalid, FileFeatureUnsupported, FileMalformed, JobFailed
from threed_workers import picture
from threed_workers.budget import Budget

MOST_FRAMES = 10_000


@dataclass(eq=False)
class Frames:
    """Width and height in pixels. `on_read` hears the index of each frame that is read.

    `see_through` has the indices of those that `opaque` had to lay over white.
    """

    paths: Sequence[Path]
    width: int
    height: int
    has_alpha: bool
    on_read: Callable[[int], None] = lambda index: None
    see_through: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> Image.Image:
        """RGB or RGBA, straight alpha, as the file has it. Raises FileMalformed."""
        self.on_read(index)
        return self.peek(index)

    def peek(self, index: int) -> Image.Image:
        """The same, which does not count as a step forward."""
        path = self.paths[index]
        try:
            with Image.open(path, formats=["PNG"]) as image:
                return image.convert("RGBA" if image.has_transparency_data else "RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise _broken(path, error) from None

    def opaque(self, index: int) -> Image.Image:
        """RGB, over white where the frame is transparent."""
        image = self.read(index)
        if image.mode == "RGB":
            return image
        if image.getchannel("A").getextrema() != (255, 255):
            self.see_through.add(index)
            white = Image.new("RGBA", image.size, (255, 255, 255, 255))
            image = Image.alpha_composite(white, image)
        return image.convert("RGB")

    def png(self, index: int) -> bytes:
        """The file as it is, once its checksums are right. Raises FileMalformed."""
        self.on_read(index)
        path = self.paths[index]
        try:
            with Image.open(path, formats=["PNG"]) as image:
                image.verify()
        except (OSError, SyntaxError, ValueError) as error:
            raise _broken(path, error) from None
        return path.read_bytes()


def opened(folder: Path, names: Sequence[str], on_read: Callable[[int], None]) -> Frames:
    """The named files as Frames, by their headers. Raises FieldInvalid, JobFailed or a FileRefused that names one."""
    if not 2 <= len(names) <= MOST_FRAMES:
        raise FieldInvalid(
            f"A film has 2 to {MOST_FRAMES} frames, and this one would have {len(names)}. "
            "Ask for a picture, or for another length or frame rate.",
            violations=(("frames", f"must be 2 to {MOST_FRAMES}"),),
        )
    paths = [folder / Path(name).name for name in names]
    sizes, alpha = set(), False
    for path in paths:
        size, has_alpha = _header(path)
        sizes.add(size)
        alpha = alpha or has_alpha
        if len(sizes) > 1:
            first, other = _header(paths[0])[0], size
            raise FieldInvalid(
                f"Frame {path.name} has {other[0]} x {other[1]} pixels, and those before it {first[0]} x {first[1]}. "
                "Draw all frames of a film in one size.",
                violations=(("frames", "must have one size"),),
            )
    ((width, height),) = sizes
    return Frames(paths, width, height, alpha, on_read)


def _header(path: Path) -> tuple[tuple[int, int], bool]:
    """((width, height), whether it may be transparent). Nothing is decoded."""
    try:
        data = path.read_bytes()
    except OSError:
        raise JobFailed(f"Frame {path.name} is not there. Start the job again.", frame=path.name) from None
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise FileMalformed(f"Frame {path.name} is no PNG. Start the job again.", where=path.name)
    found = picture.probe(memoryview(data), path.name)
    picture.check(found, Budget(), path.name)
    if found.bit_depth > 8:
        raise FileFeatureUnsupported(
            f"Frame {path.name} has {found.bit_depth} bits a channel. Films are made of frames of 8.", where=path.name
        )
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return image.size, image.has_transparency_data
    except (OSError, SyntaxError, ValueError) as error:
        raise _broken(path, error) from None


def _broken(path: Path, error: Exception) -> FileMalformed:
    return FileMalformed(f"Frame {path.name} cannot be read: {str(error)[:100]}. Start the job again.", where=path.name)
