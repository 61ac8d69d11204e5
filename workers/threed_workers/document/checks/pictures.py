"""The pictures inside a model: known formats, bearable sizes, before anything decodes them."""

from __future__ import annotations

from threed.errors import FileFormatUnknown, FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document.model import Document, issue
from threed_workers.picture import MEDIA_TYPES, check, probe

# Pictures that nobody here decodes, and that some models call PNG or JPEG.
_MISNAMED = (b"\0\0\0", b"<svg", b"<?xm", b"GIF8", b"BM", b"DDS ")
# ELF, PE, Mach-O and scripts: no slip of an exporter, whatever they are called.
_PROGRAMS = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"#!")


def check_pictures(document: Document, budget: Budget) -> None:
    """Raises for a picture that is not what its mimeType says at all, is cut, or is larger than the budget.

    One of another format is tolerated: materials do without it (sources.py). One on the web has no bytes.
    """
    total = 0
    for number, image in enumerate(document.all("images")):
        where = f"/images/{number}"
        if number not in document.pictures and "bufferView" not in image:
            continue
        data = document.picture(number)
        try:
            picture = probe(data, where)
        except FileFormatUnknown:
            head, claims = bytes(data[:4]), image.get("mimeType") in MEDIA_TYPES.values()
            if head.startswith(_PROGRAMS) or (claims and not head.startswith(_MISNAMED)):
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
