"""Pictures of a document, put in and out."""

from __future__ import annotations

from threed_workers.document.model import Document, issue


def put(document: Document, image: int, data: bytes, media_type: str) -> None:
    """Give an image other bytes. Where they were in the buffer they stay until `edit.collect`."""
    entry = document.all("images")[image]
    for key in ("uri", "bufferView"):
        entry.pop(key, None)
    entry["mimeType"] = media_type
    document.pictures[image] = memoryview(data)


def tell_profile(document: Document, image: int, profile: str) -> None:
    """Say that a colour space, which glTF forbids to look at, is gone from the picture."""
    if profile:
        text = f"The picture asked for {profile}; glTF takes its numbers as sRGB or linear, so that is dropped."
        document.issues.append(issue("TEXTURE_PROFILE_DROPPED", "INFO", f"/images/{image}", text))
