"""Parse the JSON of a glTF file, strictly: what the parser refuses becomes a refusal with a byte offset."""

from __future__ import annotations

import orjson

from threed.errors import FileMalformed, FileTooComplex
from threed_workers.budget import Budget


def parse(text: bytes | memoryview, budget: Budget, origin: int = 0) -> dict:
    """The root object. `origin` is where the text begins in the file, so that offsets name bytes of the file.

    orjson refuses nesting deeper than 1024, NaN, Infinity, numbers beyond double, a byte order mark, bad UTF-8 and
    lone surrogates; of duplicate keys it keeps the last.
    """
    if len(text) > budget.json_bytes:
        raise FileTooComplex(
            f"The JSON has {len(text)} bytes and the limit is {budget.json_bytes}. Move data into buffers.",
            where=f"byte {origin}",
        )
    try:
        root = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = f"byte {origin + error.pos}"
        if "depth" in error.msg or "recursion" in error.msg:
            raise FileTooComplex("The JSON is nested deeper than 1024 levels. Flatten it.", where=where) from None
        raise FileMalformed(f"The file's JSON does not parse: {error.msg}. Export it again.", where=where) from None
    if not isinstance(root, dict):
        raise FileMalformed("The root of a glTF file must be a JSON object.", where=f"byte {origin}")
    return root
