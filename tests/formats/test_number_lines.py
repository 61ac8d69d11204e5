"""Text as arrays of numbers: every number as Python reads it, and nothing that is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threed.errors import FileTooComplex
from threed_workers.formats.number_lines import BLOCK, Numbers, blocks, line_ends, per_line, signs_of, word_ends

from .suite import BUDGET

FORMS = ["7", "-3", "0.25", "-1.5e-3", "6.02E23", "1e-400", "123456789.123456789", ".5", "5.", "+2", "nan", "-inf"]


def floats(text: bytes) -> np.ndarray | None:
    signs = signs_of(text)
    return Numbers().floats(signs, word_ends(signs))


@pytest.mark.parametrize("word", FORMS)
def test_a_number_is_what_python_reads(word):
    found = floats(f"1.5 {word}\t 2\r\n".encode())
    assert np.array_equal(found, [1.5, float(word), 2], equal_nan=True)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50))
def test_doubles_come_back_bit_for_bit(values):
    text = "".join(f"{value!r} \n" for value in values).encode() + b"\n"
    assert floats(text).tobytes() == np.array(values, np.float64).tobytes()


@pytest.mark.parametrize(
    "word", [b"x", b"1x", b"1,2", b"[1]", b"[]", b"null", b"true", b'"1"', b"{}", b"1-2", b"1/2", b"1\0002"]
)
def test_what_is_no_number_is_not_read_as_one(word):
    assert floats(b"1 " + word + b" 2\n") is None


def test_whole_numbers_have_no_fraction():
    signs = signs_of(b"1 -2 9007199254740993\n")
    assert Numbers().whole(signs, word_ends(signs)).tolist() == [1, -2, 9007199254740993]
    signs = signs_of(b"1 2.5\n")
    assert Numbers().whole(signs, word_ends(signs)) is None


@given(st.lists(st.text("a \t", max_size=90), max_size=40))
def test_the_words_of_each_line_are_counted(lines):
    text = "".join(f"{line}\n" for line in lines).encode() or b"\n"
    found = per_line(word_ends(signs_of(text)), line_ends(text))
    assert found.tolist() == [len(line.split()) for line in text.decode().splitlines()]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_blocks_are_whole_lines_and_together_the_text(end):
    # Given three blocks of lines, the last of which has no end
    lines = [b"v %d 0.5 -2" % number for number in range(BLOCK // 6)]
    text = end.join(lines)
    # When they are taken apart
    found = list(blocks(memoryview(text), BUDGET))
    # Then no line was cut, and none is missing
    assert len(found) > 1
    assert [block.start for block in found[1:]] == [block.stop for block in found[:-1]]
    assert b"".join(block.text for block in found).splitlines() == lines
    assert all(block.text.endswith(b"\n") for block in found)


def test_a_line_that_goes_on_stays_whole():
    line = b"f 1 2 \\\n 3 \\\r\n 4\n"
    found = list(blocks(memoryview(line * (BLOCK // 8)), BUDGET, continued=True))
    assert len(found) > 1
    assert all(block.text == line * (len(block.text) // len(line)) for block in found)


def test_a_line_without_end_is_refused():
    budget = dataclasses.replace(BUDGET, line_bytes=2 * BLOCK)
    with pytest.raises(FileTooComplex, match="longer than"):
        list(blocks(memoryview(b"1 " * 4 * BLOCK), budget))
