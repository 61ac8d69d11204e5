"""Films: frames that were drawn one by one, put together to a file that plays.

`film` is the step; `FORMATS` lists what it writes, one module a format. MP4 and WebM are containers of our own making
(`mp4`, `webm`) around what an encoder says (`av1`, `h264`).
"""

from threed_workers.films.film import FORMATS, Format, film

__all__ = ["FORMATS", "Format", "film"]
