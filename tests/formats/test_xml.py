"""The door for XML: what comes through, and what does not."""

from __future__ import annotations

import time

import pytest

from threed.errors import FileEmpty, FileMalformed, FileTooComplex
from threed_workers.formats import xml


def test_names_text_and_attributes_are_read():
    # Given a document with namespaces, comments and nested text
    text = b'<a xmlns="u:a" xmlns:p="u:p" p:k="1"><!-- - --><b>one<!-- - --> two</b> tail <p:c/></a>'
    # When it is parsed
    tree = xml.parse(text)
    # Then names carry their namespace, and the prefixes of the root are known
    assert (tree.root.tag, tree.root.attrib) == ("{u:a}a", {"{u:p}k": "1"})
    assert [(child.tag, child.text) for child in tree.root] == [("{u:a}b", "one two"), ("{u:p}c", "")]
    assert tree.prefixes == {"": "u:a", "p": "u:p"}


def test_prefixes_that_nobody_declared_stand_as_they_are():
    # Given two prefixes that only some elements know
    text = b'<a xsd:k="x"><b xmlns:x="u:x" xmlns="u:b"><x:c/><c/></b><x:c/></a>'
    # When it is parsed
    tree = xml.parse(text)
    # Then names are resolved where they can be, and the others are told
    assert [element.tag for element in tree.root.iter()] == ["a", "{u:b}b", "{u:x}c", "{u:b}c", "x:c"]
    assert (tree.root.attrib, tree.unbound) == ({"xsd:k": "x"}, {"xsd", "x"})
    assert {xml.local(element.tag) for element in tree.root.iter()} == {"a", "b", "c"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_are_read(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><a>Größe</a>'
    assert xml.parse(text.encode(encoding)).root.text == "Größe"


def test_what_is_taken_does_not_stay():
    # Given a list of many rows
    text = b"<rows>" + b"".join(b'<row n="%d"><v>%d</v></row>' % (n, n * n) for n in range(5)) + b"<rest/></rows>"
    seen = []
    # When the rows are taken while reading
    root = xml.parse(text, taken={"row": lambda parent, row: seen.append((parent.tag, row.get("n"), row[0].text))}).root
    # Then each came once, whole, and the tree has the rest
    assert seen == [("rows", str(n), str(n * n)) for n in range(5)]
    assert [child.tag for child in root] == ["rest"]


def test_a_document_type_passes_only_when_it_may_and_declares_nothing():
    text = b'<!DOCTYPE X3D PUBLIC "ISO//Web3D//DTD X3D 3.3//EN" "http://example.invalid/x3d.dtd"><X3D/>'
    assert xml.parse(text, doctype=True).root.tag == "X3D"
    with pytest.raises(FileMalformed, match="document type"):
        xml.parse(text)
    with pytest.raises(FileMalformed, match="document type"):
        xml.parse(b"<!DOCTYPE a [<!ELEMENT a ANY>]><a/>", doctype=True)


LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
LEAK = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
PARAMETER = b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://example.invalid/"> %b;]><a/>'
OUTSIDE = b'<!DOCTYPE a SYSTEM "http://example.invalid/a.dtd"><a>&secret;</a>'


@pytest.mark.parametrize("text", [LAUGHS, LEAK, PARAMETER, OUTSIDE], ids=["laughs", "leak", "parameter", "outside"])
@pytest.mark.parametrize("doctype", [False, True])
def test_entities_are_refused(text, doctype):
    with pytest.raises(FileMalformed) as caught:
        xml.parse(text, doctype=doctype)
    assert caught.value.metadata["where"] == "line 1"


@pytest.mark.parametrize(
    "text",
    [b"<a>", b"<a></b>", b"<a/><b/>", b"hello", b"<a>\0</a>", b'<a b="1" b="2"/>', b"<a>&nbsp;</a>", b"\xff\xfe<"],
)
def test_what_is_not_well_formed_is_refused_with_its_line(text):
    with pytest.raises(FileMalformed) as caught:
        xml.parse(text, where="3D/a.model")
    assert caught.value.metadata["where"].startswith("3D/a.model, line ")


@pytest.mark.parametrize("encoding", ["no-such", "shift_jis"])
def test_an_encoding_that_is_not_known_is_refused(encoding):
    with pytest.raises(FileMalformed):
        xml.parse(f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode())


def test_nothing_is_no_document():
    with pytest.raises(FileEmpty):
        xml.parse(b"")


def test_depth_and_number_are_bounded(monkeypatch):
    with pytest.raises(FileTooComplex, match="deep"):
        xml.parse(b"<a>" * 2_000_000)
    monkeypatch.setattr(xml, "MOST_KEPT", 10)
    with pytest.raises(FileTooComplex, match="elements"):
        xml.parse(b"<a>" + b"<b/>" * 11 + b"</a>")
    # What is taken does not count, with all that is in it
    xml.parse(b"<a>" + b"<b><c><d/></c></b>" * 11 + b"</a>", taken={"b": lambda parent, element: None})


def test_namespaces_are_bounded():
    many = b"".join(b" xmlns:p%d='u'" % n for n in range(1000))
    with pytest.raises(FileTooComplex, match="namespaces"):
        xml.parse(b"<a" + many + b"/>")


def test_bytes_are_bounded(monkeypatch):
    monkeypatch.setattr(xml, "MOST_BYTES", 10)
    with pytest.raises(FileTooComplex, match="bytes"):
        xml.parse(b"<a>12345678</a>")


def test_a_token_that_never_ends_takes_linear_time():
    started = time.monotonic()
    with pytest.raises(FileMalformed):
        xml.parse(b"<a b='" + b"x" * (32 << 20))
    assert time.monotonic() - started < 5
