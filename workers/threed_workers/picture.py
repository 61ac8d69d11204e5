"""What a picture file says about itself: format, size, channels, depth, read from its headers alone.

Nothing is decoded here, so a bomb is known before it goes off. Both pictures of their own and the textures inside a
model come through this door. One function per container; `HEADERS` is the list.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, replace

from threed.errors import FileFormatUnknown, FileMalformed, FileTooComplex, FileTruncated
from threed_workers.budget import Budget


@dataclass(frozen=True)
class Picture:
    """Size in pixels, channels as stored, bits per channel. `scans` counts the passes of a progressive JPEG."""

    file_format: str
    media_type: str
    width_px: int
    height_px: int
    channels: int
    bit_depth: int
    scans: int = 1

    @property
    def decoded_bytes(self) -> int:
        """Bytes of the decoded pixels; less than a byte per channel is decoded to one."""
        return self.width_px * self.height_px * self.channels * max(1, self.bit_depth // 8)


def probe(data: memoryview, where: str) -> Picture:
    """The Picture that `data` declares. Raises FileFormatUnknown, FileTruncated or FileMalformed, naming `where`."""
    for magic, offset, header in HEADERS:
        if data[offset : offset + len(magic)] == magic:
            try:
                picture = header(data, where)
            except (struct.error, IndexError):
                raise FileTruncated("A picture ends within its header.", where=where) from None
            if picture.width_px < 1 or picture.height_px < 1:
                raise FileMalformed(f"A picture of {picture.width_px} x {picture.height_px} pixels.", where=where)
            return picture
    raise FileFormatUnknown(
        "A picture is of no format that is read: use PNG, JPEG, WebP, KTX2, Radiance HDR or OpenEXR.", where=where
    )


def check(picture: Picture, budget: Budget, where: str) -> None:
    """Raises FileTooComplex when decoding the picture would take more than the budget."""
    size = f"{picture.width_px} x {picture.height_px}"
    if picture.width_px * picture.height_px > budget.picture_pixels or picture.decoded_bytes > budget.picture_bytes:
        raise FileTooComplex(
            f"A picture declares {size} pixels, {picture.channels} x {picture.bit_depth} bit; "
            f"the limit is {budget.picture_pixels} pixels and {budget.picture_bytes} bytes decoded. Scale it down.",
            where=where,
        )
    if picture.scans > budget.picture_scans:
        raise FileTooComplex(
            f"A progressive JPEG has {picture.scans} scans; the limit is {budget.picture_scans}. Save it again.",
            where=where,
        )


def media_type_of(data: memoryview) -> str | None:
    """The media type that the first bytes say; None when they say nothing known."""
    for magic, offset, header in HEADERS:
        if data[offset : offset + len(magic)] == magic:
            return MEDIA_TYPES[header]
    return None


def png(data: memoryview, where: str) -> Picture:
    """PNG (W3C PNG Third Edition, sections 5 and 11.2.1). Chunks are walked to IEND, so that a cut file is known."""
    length, kind = struct.unpack_from(">I4s", data, 8)
    if kind != b"IHDR" or length != 13:
        raise FileMalformed("A PNG must begin with its IHDR chunk.", where=where)
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    (crc,) = struct.unpack_from(">I", data, 29)
    if zlib.crc32(data[12:29]) != crc:
        raise FileMalformed("The checksum of a PNG's header does not match.", where=where)
    channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}.get(colour)
    if channels is None or depth not in (1, 2, 4, 8, 16):
        raise FileMalformed(f"A PNG has colour type {colour} with {depth} bits.", where=where)
    position = 33
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
        if position > len(data):
            raise FileTruncated("A PNG ends within a chunk.", where=where)
    return Picture("png", "image/png", width, height, channels, depth)


def jpeg(data: memoryview, where: str) -> Picture:
    """JPEG (ITU-T T.81, Annex B): the frame header, and how many scans follow it."""
    picture = None
    scans, position = 0, 2
    while True:
        while data[position] == 0xFF and data[position + 1] == 0xFF:
            position += 1
        if data[position] != 0xFF:
            raise FileMalformed(f"A JPEG has no marker at byte {position}.", where=where)
        marker = data[position + 1]
        if marker == 0xD9:
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            depth, height, width, channels = struct.unpack_from(">BHHB", data, position + 4)
            picture = Picture("jpeg", "image/jpeg", width, height, channels, depth)
        position += 2 + length
        if marker == 0xDA:
            scans += 1
            position = _after_scan(data, position)
            if position >= len(data) and picture is not None:
                break  # No end marker: common, and every decoder shows the picture.
    if picture is None or not scans:
        raise FileTruncated("A JPEG ends before its picture begins.", where=where)
    return replace(picture, scans=scans)


# What ends entropy-coded data: 0xFF that is neither stuffed, nor a restart marker, nor padding.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _after_scan(data: memoryview, position: int) -> int:
    """Where the next marker after entropy-coded data lies, or the end."""
    found = _MARKER.search(data, position)
    return found.start() if found else len(data)


def webp(data: memoryview, where: str) -> Picture:
    """WebP (RFC 9649): simple lossy, simple lossless, or extended."""
    riff, kind = struct.unpack_from("<I", data, 4)[0], bytes(data[12:16])
    if riff + 8 > len(data):
        raise FileTruncated(f"A WebP says {riff + 8} bytes and has {len(data)}.", where=where)
    if kind == b"VP8X":
        flags = data[20]
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        return Picture("webp", "image/webp", width, height, 4 if flags & 0x10 else 3, 8)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        alpha = bits >> 28 & 1
        return Picture("webp", "image/webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), 4 if alpha else 3, 8)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Picture("webp", "image/webp", width & 0x3FFF, height & 0x3FFF, 3, 8)
    raise FileMalformed("A WebP has no picture chunk.", where=where)


def hdr(data: memoryview, where: str) -> Picture:
    """Radiance RGBE (Ward 1991): text lines, an empty line, then the resolution string."""
    head = bytes(data[:65536])
    end = head.find(b"\n\n")
    line_end = head.find(b"\n", end + 2)
    if end < 0 or line_end < 0:
        raise FileTruncated("A Radiance picture ends within its header.", where=where)
    words = head[end + 2 : line_end].split()
    if len(words) != 4 or words[0] not in (b"-Y", b"+Y") or words[2] not in (b"+X", b"-X"):
        raise FileMalformed("The resolution line of a Radiance picture must be like '-Y 512 +X 1024'.", where=where)
    try:
        height, width = int(words[1]), int(words[3])
    except ValueError:
        raise FileMalformed("The resolution of a Radiance picture is no number.", where=where) from None
    return Picture("hdr", "image/vnd.radiance", width, height, 3, 32)


def exr(data: memoryview, where: str) -> Picture:
    """OpenEXR 2 ("OpenEXR File Layout"): the attributes of the first part."""
    (version,) = struct.unpack_from("<I", data, 4)
    if version & 0xFF != 2:
        raise FileMalformed(f"OpenEXR file version {version & 0xFF} is not known.", where=where)
    position, found = 8, {}
    while data[position] != 0:
        name, position = _text(data, position)
        _, position = _text(data, position)
        (size,) = struct.unpack_from("<I", data, position)
        position += 4
        if position + size > len(data):
            raise FileTruncated("An OpenEXR picture ends within its header.", where=where)
        found[name] = data[position : position + size]
        position += size
    if b"dataWindow" not in found or b"channels" not in found:
        raise FileMalformed("An OpenEXR picture has no dataWindow or no channels.", where=where)
    left, top, right, bottom = struct.unpack("<4i", found[b"dataWindow"])
    channels, depth = _exr_channels(found[b"channels"])
    if channels == 0:
        raise FileMalformed("An OpenEXR picture has no channels.", where=where)
    return Picture("exr", "image/x-exr", right - left + 1, bottom - top + 1, channels, depth)


def _exr_channels(data: memoryview) -> tuple[int, int]:
    """(count, bits of the widest channel): 1 is half, 0 and 2 are 32 bit."""
    position, count, depth = 0, 0, 16
    while data[position] != 0:
        _, position = _text(data, position)
        (kind,) = struct.unpack_from("<i", data, position)
        depth = max(depth, 16 if kind == 1 else 32)
        count, position = count + 1, position + 16
    return count, depth


def _text(data: memoryview, position: int) -> tuple[bytes, int]:
    """A zero-terminated text of at most 255 bytes, and where the next thing begins."""
    text = bytes(data[position : position + 256])
    end = text.index(0) if 0 in text else -1
    if end < 0:
        raise IndexError
    return text[:end], position + end + 1


def ktx2(data: memoryview, where: str) -> Picture:
    """KTX 2.0 (Khronos 2021, section 3): header and level index, whose sizes and places are checked."""
    vk_format, _, width, height, depth, layers, faces, levels, scheme = struct.unpack_from("<9I", data, 12)
    if levels > 32 or layers > 2048 or faces not in (1, 6) or depth > 2048:
        raise FileMalformed(f"A KTX2 declares {levels} levels, {layers} layers, {faces} faces.", where=where)
    height = max(1, height)
    whole = width * height * max(1, depth) * max(1, layers) * faces * 4
    for level in range(max(1, levels)):
        offset, stored, unpacked = struct.unpack_from("<3Q", data, 80 + 24 * level)
        if offset + stored > len(data):
            raise FileTruncated(f"Level {level} of a KTX2 lies beyond its end.", where=where)
        if unpacked > max(64, 4 * whole):
            raise FileMalformed(f"Level {level} of a KTX2 says it unpacks to {unpacked} bytes.", where=where)
    if vk_format == 0 and scheme > 3:
        raise FileMalformed(f"A KTX2 has unknown supercompression {scheme}.", where=where)
    return Picture("ktx2", "image/ktx2", width, height * max(1, layers) * faces * max(1, depth), 4, 8)


def avif(data: memoryview, where: str) -> Picture:
    """AVIF: the largest size that a property declares (ISO/IEC 23008-12 section 6.5.3), which is that of the whole."""
    head = bytes(data[:_AVIF_HEAD])
    places = [found.end() for found in re.finditer(b"ispe", head) if found.end() + 12 <= len(head)]
    if not places:
        raise FileMalformed("An AVIF picture does not say how large it is.", where=where)
    width, height = max(
        (struct.unpack_from(">II", head, place + 4) for place in places), key=lambda size: size[0] * size[1]
    )
    channels = 4 if b":auxid:1" in head or b":auxiliary:alpha" in head else 3  # an alpha plane is an item of its own
    return Picture("avif", "image/avif", width, height, channels, 8)


_AVIF_HEAD = 1 << 16  # the properties come before the pixels

HEADERS = (
    (b"\x89PNG\r\n\x1a\n", 0, png),
    (b"\xff\xd8\xff", 0, jpeg),
    (b"WEBP", 8, webp),
    (b"\xabKTX 20\xbb\r\n\x1a\n", 0, ktx2),
    (b"#?RADIANCE", 0, hdr),
    (b"#?RGBE", 0, hdr),
    (b"v/1\x01", 0, exr),
    (b"ftypavif", 4, avif),
)

MEDIA_TYPES = {
    png: "image/png",
    jpeg: "image/jpeg",
    webp: "image/webp",
    ktx2: "image/ktx2",
    avif: "image/avif",
    hdr: "image/vnd.radiance",
    exr: "image/x-exr",
}
