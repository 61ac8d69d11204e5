"""Download addresses and the header values they end in."""

from __future__ import annotations

import doctest
import time
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threed.blobs import headers
from threed.blobs.signing import Grant, UrlSigner
from threed.errors import DownloadUrlExpired, DownloadUrlInvalid, RangeNotSatisfiable

SIGNER = UrlSigner(b"a" * 32)
LATER = int(time.time()) + 3600
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def verify(signer, url):
    return signer.verify(*url.split("?", 1))


@given(key=TEXT, name=TEXT, kind=TEXT)
def test_an_address_says_what_was_signed(key, name, kind):
    assert verify(SIGNER, SIGNER.sign(key, name, kind, LATER)) == Grant(key, name, kind, LATER)


@given(field=st.sampled_from(["expires", "name", "type", "signature"]), value=TEXT)
def test_no_field_can_be_changed(field, value):
    path, query = SIGNER.sign("k", "n", "t", LATER).split("?")
    fields = dict(parse_qsl(query))
    if fields[field] != value:
        with pytest.raises(DownloadUrlInvalid):
            SIGNER.verify(path, urlencode(fields | {field: value}))


@given(path=TEXT, query=TEXT)
def test_nonsense_is_invalid(path, query):
    with pytest.raises(DownloadUrlInvalid):
        SIGNER.verify(path, query)


def test_a_repeated_or_missing_or_additional_field_is_invalid():
    path, query = SIGNER.sign("k", "n", "t", LATER).split("?")
    for altered in (f"{query}&name=n", f"{query}&x=y", query.replace("name=n&", ""), f"expires={LATER}&{query}"):
        with pytest.raises(DownloadUrlInvalid):
            SIGNER.verify(path, altered)


def test_values_cannot_move_between_fields():
    assert SIGNER.sign("k", "ab", "c", LATER)[-43:] != SIGNER.sign("k", "a", "bc", LATER)[-43:]


def test_an_address_ends_at_its_time():
    with pytest.raises(DownloadUrlExpired):
        verify(SIGNER, SIGNER.sign("k", "n", "t", time.time()))


def test_a_former_secret_still_opens_and_no_longer_signs():
    url = SIGNER.sign("k", "n", "t", LATER)
    changed = UrlSigner(b"b" * 32, b"a" * 32)
    assert verify(changed, url).key == "k"
    assert changed.sign("k", "n", "t", LATER) != url
    with pytest.raises(DownloadUrlInvalid):
        verify(UrlSigner(b"b" * 32), url)


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="32"):
        UrlSigner(b"secret")


def test_the_examples_of_headers_are_true():
    assert doctest.testmod(headers).failed == 0


@given(name=st.text())
def test_a_file_name_never_leaves_its_header(name):
    value = headers.content_disposition(name)
    assert value.isascii() and value.isprintable()
    assert value.startswith('attachment; filename="')
    plain = value.split('"')[1]
    assert plain and "/" not in plain and "\\" not in plain


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("model/gltf-binary", True),
        ("text/plain; charset=utf-8", True),
        ("text/html\r\nX: y", False),
        ("", False),
        ("text", False),
        ("a/b; c", False),
    ],
)
def test_a_malformed_content_type_becomes_plain_bytes(value, kept):
    assert headers.content_type(value) == (value if kept else "application/octet-stream")


@given(body=st.binary(max_size=40), first=st.none() | st.integers(0, 50), last=st.none() | st.integers(0, 50))
def test_a_range_is_what_a_slice_says(body, first, last):
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        expected = None if last is None else body[max(0, len(body) - last) :]
    elif last is not None and last < first:
        expected = None
    else:
        expected = body[first : None if last is None else last + 1]
    if expected == b"":
        with pytest.raises(RangeNotSatisfiable):
            headers.range_of(text, len(body))
        return
    found = headers.range_of(text, len(body))
    assert (None if found is None else body[found[0] : found[0] + found[1]]) == expected
