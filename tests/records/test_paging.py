"""Keyset pages over a real PostgreSQL, and the tokens between them."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import uuid

import pytest
import sqlalchemy as sa
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from threed.errors import FieldInvalid, PageTokenInvalid
from threed.records.filters import Orders
from threed.records.paging import DEFAULT_SIZE, MAX_SIZE, PageRequest, PageTokens, after, page, page_size

things = sa.Table(
    "paged_things",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("made", sa.DateTime(timezone=True), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("cost", sa.Numeric),
    sa.Column("key", sa.Uuid, nullable=False),
    sa.Column("took", sa.Interval),
    sa.Index("paged_things_newest", "project", sa.text("made DESC"), sa.text("id DESC")),
)
ORDERS = Orders(
    {name: things.c[column] for name, column in [("created_at", "made"), ("thing_id", "id")]}
    | {name: things.c[name] for name in ("name", "score", "cost", "key", "took")},
    default="created_at desc",
    tie="thing_id",
)
TOKENS = PageTokens(b"0123456789abcdef0123456789abcdef")
METHOD = "test.Things.ListThings"
NOON = datetime.datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=datetime.UTC)


def _list_request_class():
    file = FileDescriptorProto(name="paged.proto", package="paged", syntax="proto3")
    message = file.message_type.add(name="ListThingsRequest")
    kinds = FieldDescriptorProto
    for number, (name, kind) in enumerate(
        [
            ("page_size", kinds.TYPE_INT32),
            ("page_token", kinds.TYPE_STRING),
            ("filter", kinds.TYPE_STRING),
            ("order_by", kinds.TYPE_STRING),
            ("show_deleted", kinds.TYPE_BOOL),
        ],
        start=1,
    ):
        message.field.add(name=name, number=number, type=kind, label=1)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName("paged.ListThingsRequest"))


ListThingsRequest = _list_request_class()


def thing(number: int) -> dict:
    """Few distinct values, so that every key has ties; a third of what can be unset is."""
    return {
        "id": f"thg_{number:04}",
        "project": "prj_a",
        "made": NOON - datetime.timedelta(microseconds=number // 5),
        "name": ["ä", "Z", "a"][number % 3],
        "score": None if number % 3 == 0 else number % 4 / 3,
        "cost": None if number % 3 == 1 else decimal.Decimal(number % 5) / 10,
        "key": uuid.UUID(int=number % 7),
        "took": None if number % 3 == 2 else datetime.timedelta(microseconds=number % 2),
    }


@pytest.fixture
async def stocked(connection):
    await connection.run_sync(things.metadata.create_all)
    await connection.execute(things.insert(), [thing(number) for number in range(60)])
    return connection


async def pages_of(connection, order_by: str, size: int) -> list[list[str]]:
    """Every page of a list, each fetched with the token of the one before."""
    pages, token = [], ""
    while True:
        message = ListThingsRequest(page_size=size, page_token=token, order_by=order_by)
        request = PageRequest.of(METHOD, "prj_a", message)
        found = await page(connection, sa.select(things), ORDERS.parse(order_by), request, TOKENS)
        pages.append([row.id for row in found.rows])
        token = found.next_token
        if not token:
            return pages


@pytest.mark.parametrize(
    "order_by",
    [
        "",
        "created_at",
        "thing_id desc",
        "name, created_at desc",
        "name desc, score, cost desc",
        "score",
        "score desc",
        "cost desc, score desc",
        "key, took desc",
        "took",
    ],
)
async def test_the_pages_together_are_the_list_each_row_once_and_in_order(stocked, order_by):
    # Given the whole list in one statement, and 60 rows full of ties and unset values
    ordering = ORDERS.parse(order_by)
    whole = (await stocked.execute(sa.select(things.c.id).order_by(*ordering.clauses()))).scalars().all()
    for size in (1, 7, 30, 59, 60, 61):
        # When it is read page by page
        pages = await pages_of(stocked, order_by, size)
        # Then nothing is missing, doubled or moved, and no page but the last is short
        assert [row for rows in pages for row in rows] == whole
        assert all(len(rows) == size for rows in pages[:-1]) and 0 < len(pages[-1]) <= size


async def test_unset_values_are_last_in_both_directions(stocked):
    for order_by in ("score", "score desc"):
        ordering = ORDERS.parse(order_by)
        scores = (await stocked.execute(sa.select(things.c.score).order_by(*ordering.clauses()))).scalars().all()
        assert scores[-20:] == [None] * 20 and None not in scores[:-20]


async def test_a_row_inserted_before_the_page_moves_nothing(stocked):
    message = ListThingsRequest(page_size=10)
    first = await page(stocked, sa.select(things), ORDERS.parse(""), PageRequest.of(METHOD, "prj_a", message), TOKENS)
    await stocked.execute(things.insert(), thing(0) | {"id": "thg_9999", "made": NOON + datetime.timedelta(days=1)})
    message.page_token = first.next_token
    message.page_size = 3
    second = await page(stocked, sa.select(things), ORDERS.parse(""), PageRequest.of(METHOD, "prj_a", message), TOKENS)
    whole = [thing(number)["id"] for number in range(60)]
    by_default = sorted(whole, key=lambda name: (thing(int(name[4:]))["made"], name), reverse=True)
    assert [row.id for row in second.rows] == by_default[10:13]


async def test_the_default_order_starts_inside_the_index(stocked):
    # Given enough rows that a scan of all would be cheaper only by mistake
    rows = [thing(number) | {"id": f"thg_{number:06}"} for number in range(1000, 6000)]
    await stocked.execute(things.insert(), rows)
    await stocked.execute(sa.text("ANALYZE paged_things"))
    # When a page deep inside is planned
    ordering = ORDERS.parse("")
    middle = rows[2500]
    statement = (
        sa.select(things)
        .where(things.c.project == "prj_a", after(ordering, [middle["made"], middle["id"]]))
        .order_by(*ordering.clauses())
        .limit(51)
    )
    sql = statement.compile(stocked.engine, compile_kwargs={"literal_binds": True})
    plan = "\n".join((await stocked.execute(sa.text(f"EXPLAIN {sql}".replace(":", r"\:")))).scalars())
    # Then it begins at the row, by the index, without a sort
    assert "Index Scan using paged_things_newest" in plan
    assert "Index Cond" in plan and "ROW(made, id) < ROW(" in plan
    assert "Sort" not in plan


# ---------------------------------------------------------------- tokens


def request_of(method=METHOD, project="prj_a", **fields) -> PageRequest:
    return PageRequest.of(method, project, ListThingsRequest(**fields))


@pytest.fixture
async def token(stocked):
    request = request_of(page_size=10, filter="a", show_deleted=True)
    return (await page(stocked, sa.select(things), ORDERS.parse(""), request, TOKENS)).next_token


async def test_a_token_goes_on_with_another_page_size(stocked, token):
    request = request_of(page_size=3, page_token=token, filter="a", show_deleted=True)
    found = await page(stocked, sa.select(things), ORDERS.parse(""), request, TOKENS)
    assert len(found.rows) == 3


@pytest.mark.parametrize(
    ("changed", "order_by"),
    [
        ({"project": "prj_b"}, ""),
        ({"method": "test.Things.ListOtherThings"}, ""),
        ({"filter": "b"}, ""),
        ({"filter": ""}, ""),
        ({"show_deleted": False}, ""),
        ({"order_by": "created_at desc"}, ""),
        ({}, "created_at"),
    ],
)
async def test_a_token_is_refused_when_anything_but_the_page_size_changed(stocked, token, changed, order_by):
    request = request_of(**({"page_token": token, "filter": "a", "show_deleted": True} | changed))
    with pytest.raises(PageTokenInvalid, match="of another list") as refused:
        await page(stocked, sa.select(things), ORDERS.parse(order_by), request, TOKENS)
    assert refused.value.violations[0][0] == "page_token"


def test_every_altered_sign_is_refused():
    token = TOKENS.write(b"f" * 12, [NOON, "thg_1"])
    for at, sign in enumerate(token):
        for other in "AQgw_-":
            if other != sign:
                with pytest.raises(PageTokenInvalid, match="not one that this server wrote"):
                    TOKENS.read(token[:at] + other + token[at + 1 :], b"f" * 12)


@given(st.text())
def test_no_text_raises_anything_but_the_refusal(text):
    with pytest.raises(PageTokenInvalid):
        TOKENS.read(text, b"f" * 12)


def test_a_token_of_another_secret_is_refused():
    token = PageTokens(b"another secret, 16+").write(b"f" * 12, ["thg_1"])
    with pytest.raises(PageTokenInvalid):
        TOKENS.read(token, b"f" * 12)


def test_a_cut_padded_or_overlong_token_is_refused():
    token = TOKENS.write(b"f" * 12, ["thg_1"])
    for wrong in (token[:-1], token[:8], token + "=", token + "A", " " + token, "A" * 20_000):
        with pytest.raises(PageTokenInvalid):
            TOKENS.read(wrong, b"f" * 12)


def test_a_token_keeps_the_types_of_its_keys():
    values = (
        NOON,
        "ä\n",
        2**62,
        0.1,
        None,
        True,
        decimal.Decimal("0.10"),
        uuid.UUID(int=5),
        datetime.timedelta(days=-1),
    )
    assert TOKENS.read(TOKENS.write(b"f" * 12, values), b"f" * 12) == values


def test_a_token_of_the_default_order_is_compact_and_holds_only_the_keys():
    token = TOKENS.write(b"f" * 12, [NOON, "ast_01k8m3v9q4e7rtb2xw5zn6ydgh"])
    assert len(token) < 200
    payload = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[:-16]
    assert set(json.loads(payload)) == {"k", "f"}


def test_a_short_secret_is_refused_at_start():
    with pytest.raises(ValueError, match="fewer than 16 bytes"):
        PageTokens(b"short")


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("asked", "given_rows"),
    [(0, DEFAULT_SIZE), (1, 1), (MAX_SIZE, MAX_SIZE), (MAX_SIZE + 1, MAX_SIZE), (2**31 - 1, MAX_SIZE)],
)
def test_a_page_size_of_zero_is_the_default_and_too_many_is_the_maximum(asked, given_rows):
    assert page_size(asked) == given_rows
    assert request_of(page_size=asked).size == given_rows


def test_a_negative_page_size_is_refused():
    with pytest.raises(FieldInvalid) as refused:
        request_of(page_size=-1)
    assert refused.value.violations[0][0] == "page_size"
