"""The pictures inside a model: known formats, bearable sizes, before anything decodes them."""

from __future__ import annotations

from threed.errors import FileFormatUnknown, FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document.model import Document, issue
from threed_workers.picture import check, probe

# Pictures that a model may hold and that nobody here decodes; a renderer shows the material without them.
_TOLERATED = (b"\0\0\0", b"<svg", b"<?xm", b"GIF8", b"BM", b"DDS ")


def check_pictures(document: Document, budget: Budget) -> None:
    """Raises for a picture that is none, is cut, or is larger than the budget, alone or with the others."""
    total = 0
    for number, image in enumerate(document.all("images")):
        where = f"/images/{number}"
        data = document.picture(number)
        try:
            picture = probe(data, where)
        except FileFormatUnknown:
            if not bytes(data[:4]).startswith(_TOLERATED):
                raise
            text = "The picture is of a format that is not drawn here. Use PNG, JPEG, WebP or KTX2."
            document.issues.append(issue("IMAGE_FORMAT_NOT_DRAWN", "WARNING", where, text))
            continue
        check(picture, budget, where)
        total += picture.width_px * picture.height_px
        if total > budget.pictures_pixels:
            raise FileTooComplex(
                f"The pictures up to this one have {total} pixels; the limit is {budget.pictures_pixels}.", where=where
            )
        declared = image.get("mimeType")
        if declared is not None and declared != picture.media_type:
            text = f"The picture is {picture.media_type}, and the file says {str(declared)[:40]!r}."
            document.issues.append(issue("IMAGE_MEDIA_TYPE_MISMATCH", "WARNING", f"{where}/mimeType", text))
