"""An E57 of one scan: three coloured points, and the pose of the scanner. Written by hand (ASTM E2807)."""

from __future__ import annotations

import struct

from google_crc32c import value as crc32c

_PAGE, _PAYLOAD, _HEADER = 1024, 1020, 48
_POINTS = (  # metres, intensity, sRGB
    ((0.0, 0.0, 0.0), 0.25, (255, 0, 0)),
    ((1.0, 0.0, 0.5), 0.5, (0, 255, 0)),
    ((0.0, 2.0, 1.5), 1.0, (0, 0, 255)),
)
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<e57Root type="Structure" xmlns="http://www.astm.org/COMMIT/E57/2010-e57-v1.0">
<formatName type="String"><![CDATA[ASTM E57 3D Imaging Data File]]></formatName>
<guid type="String"><![CDATA[{00000000-0000-0000-0000-000000000001}]]></guid>
<versionMajor type="Integer">1</versionMajor>
<versionMinor type="Integer">0</versionMinor>
<coordinateMetadata type="String"></coordinateMetadata>
<data3D type="Vector" allowHeterogeneousChildren="1"><vectorChild type="Structure">
<guid type="String"><![CDATA[{00000000-0000-0000-0000-000000000002}]]></guid>
<name type="String"><![CDATA[yard]]></name>
<pose type="Structure">
<rotation type="Structure"><w type="Float">0.5</w><x type="Float">0.5</x><y type="Float">0.5</y><z type="Float">0.5</z>
</rotation>
<translation type="Structure"><x type="Float">10</x><y type="Float">20</y><z type="Float">30</z></translation>
</pose>
<points type="CompressedVector" fileOffset="48" recordCount="3"><prototype type="Structure">
<cartesianX type="Float"/><cartesianY type="Float"/><cartesianZ type="Float"/>
<intensity type="Float" precision="single"/>
<colorRed type="Integer" minimum="0" maximum="255"/>
<colorGreen type="Integer" minimum="0" maximum="255"/>
<colorBlue type="Integer" minimum="0" maximum="255"/>
</prototype><codecs type="Vector" allowHeterogeneousChildren="1"></codecs></points>
</vectorChild></data3D>
<images2D type="Vector" allowHeterogeneousChildren="1"></images2D>
</e57Root>
"""


def e57() -> bytes:
    """The file, each page with its checksum."""
    streams = [b"".join(struct.pack("<d", place[axis]) for place, *_ in _POINTS) for axis in range(3)]
    streams.append(b"".join(struct.pack("<f", intensity) for _, intensity, _ in _POINTS))
    streams += [bytes(color[part] for *_, color in _POINTS) for part in range(3)]
    packet = struct.pack(f"<{len(streams)}H", *map(len, streams)) + b"".join(streams)
    packet += bytes(-(len(packet) + 6) % 4)
    packet = struct.pack("<BBHH", 1, 0, len(packet) + 5, len(streams)) + packet
    section = struct.pack("<B7xQQQ", 1, 32 + len(packet), _HEADER + 32, 0) + packet
    return paged(section, _XML.encode())


def paged(section: bytes, xml: bytes) -> bytes:
    """A file of one binary section, which fits the first page, and the XML."""
    start = _HEADER + len(section)
    pages = -(-(start + len(xml)) // _PAYLOAD)
    place = start + start // _PAYLOAD * (_PAGE - _PAYLOAD)
    head = struct.pack("<8sIIQQQQ", b"ASTM-E57", 1, 0, pages * _PAGE, place, len(xml), _PAGE)
    payload = (head + section + xml).ljust(pages * _PAYLOAD, b"\0")
    parts = (payload[start : start + _PAYLOAD] for start in range(0, len(payload), _PAYLOAD))
    return b"".join(part + struct.pack(">I", crc32c(part)) for part in parts)
