"""Writes the pages that are generated from code: `python docs/generate.py [--into DIR] [errors] [settings] [formats]`.

errors.md comes from the table in server/threed/errors.py, settings.md from server/threed/settings.py, formats.md from
what the importers make of the samples (formats_page.py). The output is committed, and tests/test_contract.py,
tests/test_settings.py and tests/formats/test_page.py compare.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

from threed import errors, settings
from threed.error import DOMAIN
from threed.errors import Code, ThreedError

HERE = Path(__file__).resolve().parent
# How google.rpc.Code is said in HTTP, as Envoy's transcoder and grpc-gateway do.
HTTP = {
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
_ERRORS = """# What does this error mean?

<!-- Written by docs/generate.py from server/threed/errors.py. Change it there. -->

Every error is a google.rpc.Status with exactly one google.rpc.ErrorInfo. Its `domain` is `{domain}`; its `reason` is
one of these and never changes; its `metadata` has every variable of the sentence. The sentence says what is wrong,
where, and what to do; it may change. A field that breaks a rule is named in google.rpc.BadRequest; google.rpc.RetryInfo
says when it is worth calling again. A job or an asset that FAILED has the same status in its field `error`.

The gateway has a few reasons of its own, for what never reaches the server: [envoy/README.md](../envoy/README.md).
"""
_SETTINGS = """# What can I set?

<!-- Written by docs/generate.py from server/threed/settings.py. Change it there. -->

Every setting is an environment variable, read once at the start by servers and workers alike. A value that does not
parse is refused at start, by its name. `threed up` chooses THREED_LISTEN, THREED_BLOBS_LISTEN and THREED_DATA_DIR
itself; every other variable reaches all of its children.

| variable | default | meaning |
|--|--|--|
"""


def errors_page() -> str:
    """docs/errors.md: one table for each part of errors.py, in its order."""
    page, open_table = _ERRORS.format(domain=DOMAIN), False
    for line in inspect.getsource(errors).splitlines():
        if heading := re.fullmatch(r"# -+ (.+)", line):
            page += f"\n## {heading[1].capitalize()}\n"
            open_table = False
        elif found := re.match(r"class (\w+)\(", line):
            error = getattr(errors, found[1])
            if "reason" in vars(error):
                page += "" if open_table else "\n| reason | code | HTTP | when |\n|--|--|--|--|\n"
                open_table = True
                page += _error_row(error)
    return page


def _error_row(error: type[ThreedError]) -> str:
    when = " ".join(inspect.getdoc(error).split()).removeprefix("Raised when ")
    return f"| `{error.reason}` | {error.code.name} | {HTTP[error.code]} | {when[0].upper()}{when[1:]} |\n"


def settings_page() -> str:
    """docs/settings.md: one row for each setting, in the order of the class."""
    rows = (_setting_row(field) for field in dataclasses.fields(settings.Settings))
    return _SETTINGS + "".join(rows)


def _setting_row(field: dataclasses.Field) -> str:
    name = f"THREED_{field.name.upper()}"
    return f"| `{name}` | {_shown(field.name, field.default)} | {field.metadata['doc']} |\n"


def _shown(name: str, value: Any) -> str:
    """A default as it is set, and what that is in a larger unit."""
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    text = f"`{value:.15g}`" if isinstance(value, float) else f"`{value}`"
    larger = _in_larger_units(name, value)
    return f"{text} ({larger})" if larger else text


def _in_larger_units(name: str, value: Any) -> str:
    units = {"bytes": ((1 << 30, "GiB"), (1 << 20, "MiB")), "s": ((86400, "d"), (3600, "h"), (60, "min"))}
    if isinstance(value, str):
        return ""
    for size, unit in units.get(name.rpartition("_")[2], ()):
        if value >= size and value % size == 0:
            return f"{value / size:g} {unit}"
    return ""


def formats_page() -> str:
    """docs/formats.md. It needs the workers, which the other pages do not."""
    import formats_page

    return formats_page.formats_page()


PAGES = {"errors": errors_page, "settings": settings_page, "formats": formats_page}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=HERE, metavar="DIR", help="write into DIR instead of docs")
    parser.add_argument("pages", nargs="*", choices=[*PAGES, []], help="which; default all")
    arguments = parser.parse_args()
    for name in arguments.pages or PAGES:
        (arguments.into / f"{name}.md").write_text(PAGES[name]())


if __name__ == "__main__":
    main()
