"""Frames as one picture that can be wound, which is how Pillow's writers take what they shall not load all at once."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image


class Reel(Image.Image):
    """The frames from `begin` to before `end`. A writer that gets a list of pictures keeps all of them: 1 GB a minute
    of 512 x 512."""

    is_animated = True

    def __init__(self, read: Callable[[int], Image.Image], begin: int, end: int):
        super().__init__()
        self._read, self._begin, self._at = read, begin, -1
        self.n_frames = end - begin
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Raises EOFError beyond the end, as Pillow wants."""
        if not 0 <= frame < self.n_frames:
            raise EOFError("the film has no such frame")
        if frame != self._at:
            image = self._read(self._begin + frame)
            self.im, self._mode, self._size, self._at = image.im, image.mode, image.size, frame

    def tell(self) -> int:
        return self._at
