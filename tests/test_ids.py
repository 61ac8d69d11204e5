"""Ids: typed, sortable, and refused with the expected prefix."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threed import ids
from threed.errors import IdInvalid


@given(st.sampled_from(sorted(ids.PREFIXES)), st.uuids())
def test_an_id_comes_back_from_its_text(kind: str, value: uuid.UUID):
    text = ids.write(kind, value)
    assert ids.parse(kind, text) == value
    assert len(text) == 30 and text.startswith(ids.PREFIXES[kind]) and text == text.lower()


@given(st.uuids(), st.uuids())
def test_text_order_is_the_order_of_the_uuids(one: uuid.UUID, two: uuid.UUID):
    assert (one.int < two.int) == (ids.write("asset", one) < ids.write("asset", two))


def test_new_ids_are_uuid7_and_sort_by_time():
    made = [ids.uuid7() for _ in range(100)]
    assert all(value.version == 7 and value.variant == uuid.RFC_4122 for value in made)
    assert [value.int >> 80 for value in made] == sorted(value.int >> 80 for value in made)
    assert len(set(made)) == 100


@given(st.text(max_size=60))
def test_anything_else_is_refused_in_one_way(text: str):
    try:
        assert ids.write("asset", ids.parse("asset", text)) == text
    except IdInvalid as refusal:
        assert refusal.metadata["expected_prefix"] == "ast_"
        assert refusal.violations[0][0] == "asset_id"


@pytest.mark.parametrize(
    "text", ["", "ast_", "scn_" + "0" * 26, "ast_" + "z" * 26, "ast_" + "v" * 26, "AST_" + "0" * 26]
)
def test_wrong_ids_are_refused(text: str):
    with pytest.raises(IdInvalid):
        ids.parse("asset", text)
