"""What COLLADA says in <extra> for programs that know it: text is kept in glTF's extras."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from threed_workers.document.model import Json

_MOST_KEYS, _MOST_TEXT = 200, 1000


def extras_of(element: Element) -> Json:
    """{profile: {tag: text}} of the techniques in `element`'s extras; elements that hold others are left out."""
    found: Json = {}
    for technique in element.findall("extra/technique"):
        texts: Json = {}
        for child in technique:
            text = (child.text or "").strip()
            if text and not len(child) and len(texts) < _MOST_KEYS:
                texts[child.tag[:_MOST_TEXT]] = text[:_MOST_TEXT]
        if texts:
            found.setdefault((technique.get("profile") or "extra")[:_MOST_TEXT], texts)
    return found
