"""AIP-160 filters and AIP-132 orders: the grammar by itself, and what they select in a real PostgreSQL."""

from __future__ import annotations

import datetime
import string
import uuid

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from tests.servers.postgres import fresh_database

from threed import ids
from threed.errors import FilterInvalid
from threed.records.filters import (
    Boolean,
    Duration,
    Enum,
    Fields,
    Id,
    Integer,
    JsonList,
    Number,
    Orders,
    Struct,
    Text,
    TextList,
    Timestamp,
    json_count,
)
from threed.records.filters.grammar import (
    MAX_DEPTH,
    MAX_LENGTH,
    And,
    Not,
    Or,
    Restriction,
    Search,
    Value,
    parse,
    unparse,
)

models = sa.Table(
    "filtered_models",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("triangle_count", sa.Integer),
    sa.Column("radius", sa.Double),
    sa.Column("skinned", sa.Boolean),
    sa.Column("uploaded", sa.DateTime(timezone=True)),
    sa.Column("took", sa.Interval),
    sa.Column("tags", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("metadata", JSONB, nullable=False),
    sa.Column("report", JSONB(none_as_null=True)),
    sa.Column("scene", sa.Uuid),
)

FIELDS = Fields(
    {
        "display_name": Text(models.c.display_name),
        "status": Enum(models.c.status, {"UPLOADED": 1, "VALIDATED": 3}),
        "model.triangle_count": Integer(models.c.triangle_count),
        "radius": Number(models.c.radius),
        "skinned": Boolean(models.c.skinned),
        "upload_timestamp": Timestamp(models.c.uploaded),
        "took": Duration(models.c.took),
        "tags": TextList(models.c.tags),
        "metadata": Struct(models.c.metadata),
        "report.light_count": Integer(json_count(models.c.report, "light_count")),
        "scene_id": Id(models.c.scene, "scene"),
        "parts": JsonList(models.c.metadata["parts"]),
    },
    search=(models.c.display_name, models.c.id),
)

ORDERS = Orders(
    {
        "upload_timestamp": models.c.uploaded,
        "display_name": models.c.display_name,
        "asset_id": models.c.id,
    },
    default="upload_timestamp desc",
    tie="asset_id",
)

SCENE = uuid.UUID("019a0000-0000-7000-8000-000000000001")
TIME = datetime.datetime(2026, 11, 21, 10, tzinfo=datetime.UTC)

ROWS = [
    {
        "id": "duck",
        "display_name": "Rubber Duck",
        "status": 3,
        "triangle_count": 4212,
        "radius": 0.5,
        "skinned": False,
        "uploaded": TIME,
        "took": datetime.timedelta(seconds=90),
        "tags": ["toy", "yellow"],
        "metadata": {"author": "Ada", "count": 5, "final": True, "parts": ["beak", "wing"], "size": {"unit": "m"}},
        "report": {"light_count": "3000000000"},
        "scene": SCENE,
    },
    {
        "id": "fox",
        "display_name": "100%_fox*",
        "status": 1,
        "triangle_count": 576,
        "radius": 1e-3,
        "skinned": True,
        "uploaded": TIME - datetime.timedelta(days=1),
        "took": datetime.timedelta(milliseconds=1500),
        "tags": ["animal"],
        "metadata": {"author": "Grace", "count": "5", "parts": "none", "odd key": 1},
        "report": {},
        "scene": None,
    },
    {
        "id": "raw",
        "display_name": "untitled",
        "status": 1,
        "triangle_count": None,
        "radius": None,
        "skinned": None,
        "uploaded": None,
        "took": None,
        "tags": [],
        "metadata": {},
        "report": None,
        "scene": None,
    },
]


@pytest.fixture
async def selected(connection):
    await connection.run_sync(models.metadata.create_all)
    await connection.execute(models.insert(), ROWS)

    async def select(text: str) -> set[str]:
        return set((await connection.execute(sa.select(models.c.id).where(FIELDS.where(text)))).scalars())

    return select


@pytest.fixture(scope="module")
def populated(postgres):
    """A plain connection, for Hypothesis has no event loop. Its database is its own: no lock to wait for."""
    with fresh_database(postgres) as url:
        engine = sa.create_engine(url)
        with engine.connect() as opened:
            models.metadata.create_all(opened)
            opened.execute(models.insert(), ROWS)
            yield opened
        engine.dispose()


SELECTIONS = [
    ("", {"duck", "fox", "raw"}),
    # Text: exact, wildcards, parts; the signs of LIKE are ordinary.
    ('display_name = "Rubber Duck"', {"duck"}),
    ('displayName = "Rubber Duck"', {"duck"}),
    ('display_name = "rubber duck"', set()),
    ('display_name = "Rub*"', {"duck"}),
    ('display_name = "*Duck"', {"duck"}),
    ("display_name = *ber*", {"duck"}),
    (r'display_name = "100%_fox\*"', {"fox"}),
    ('display_name = "100%*"', {"fox"}),
    ('display_name = "%"', set()),
    ('display_name = "_ntitled*"', set()),
    ("display_name:duck", {"duck"}),
    ("display_name:*", {"duck", "fox", "raw"}),
    ('display_name != "untitled"', {"duck", "fox"}),
    ("display_name != u*", {"duck", "fox"}),
    ("display_name > S", {"raw"}),
    # Numbers; what is not set is different from everything and neither less nor more.
    ("model.triangle_count > 1000", {"duck"}),
    ("model.triangleCount >= 576", {"duck", "fox"}),
    ("model.triangle_count != 576", {"duck", "raw"}),
    ("NOT model.triangle_count = 576", {"duck", "raw"}),
    ("NOT model.triangle_count > 1000", {"fox", "raw"}),
    ("model.triangle_count < 9000000000000000000", {"duck", "fox"}),
    ("model.triangle_count:*", {"duck", "fox"}),
    ("-model.triangle_count:*", {"raw"}),
    ("model.triangle_count:576", {"fox"}),
    ("radius < 1.5e-1", {"fox"}),
    ("radius > -1", {"duck", "fox"}),
    ("skinned = true", {"fox"}),
    ("skinned != true", {"duck", "raw"}),
    # Time.
    ("upload_timestamp >= 2026-11-21T10:00:00Z", {"duck"}),
    ('upload_timestamp < "2026-11-21T11:00:00.000000001+01:00"', {"fox"}),
    ("uploadTimestamp:*", {"duck", "fox"}),
    ("took > 1.2s AND took < 60s", {"fox"}),
    # Enums by name.
    ("status = VALIDATED", {"duck"}),
    ("status != VALIDATED", {"fox", "raw"}),
    ("status:UPLOADED", {"fox", "raw"}),
    # Lists.
    ("tags:toy", {"duck"}),
    ("tags:*", {"duck", "fox"}),
    ("tags:yel*", {"duck"}),
    ("tags:(toy OR animal)", {"duck", "fox"}),
    ("tags:(toy yellow)", {"duck"}),
    ("NOT tags:toy", {"fox", "raw"}),
    ("parts:beak", {"duck"}),
    ("parts:w*g", {"duck"}),
    ("parts:*", {"duck"}),
    ("NOT parts:(beak wing)", {"fox", "raw"}),
    # Ids, and counts inside of JSON, where a zero is not written.
    (f"scene_id = {ids.write('scene', SCENE)}", {"duck"}),
    (f"sceneId != {ids.write('scene', SCENE)}", {"fox", "raw"}),
    ("report.light_count = 3000000000", {"duck"}),
    ("report.lightCount = 0", {"fox"}),
    ("NOT report.light_count:*", {"raw"}),
    # Structs.
    ("metadata.author = Ada", {"duck"}),
    ("metadata.author = A*", {"duck"}),
    ("metadata.author:ada", {"duck"}),
    ("metadata.author != Ada", {"fox", "raw"}),
    ("metadata.author:*", {"duck", "fox"}),
    ("metadata:author", {"duck", "fox"}),
    ("metadata:*", {"duck", "fox"}),
    ("metadata.count = 5", {"duck", "fox"}),
    ("metadata.count = 5.0", {"duck"}),
    ("metadata.count > 4", {"duck"}),
    ("metadata.author > B", {"fox"}),
    ("metadata.final = true", {"duck"}),
    ("metadata.parts:beak", {"duck"}),
    ("metadata.size:unit", {"duck"}),
    ("metadata.size.unit = m", {"duck"}),
    ('metadata."odd key" = 1', {"fox"}),
    ("metadata.nothing.there = 1", set()),
    # Words and structure: OR before AND, terms side by side are AND.
    ("duck", {"duck"}),
    ("duck OR FOX", {"duck", "fox"}),
    ("r*k", {"duck"}),
    ("status = UPLOADED fox", {"fox"}),
    ("status = UPLOADED AND fox OR duck", {"fox"}),
    ("(status = UPLOADED AND fox) OR duck", {"duck", "fox"}),
    ("-(duck OR fox)", {"raw"}),
]


@pytest.mark.parametrize(("text", "expected"), SELECTIONS, ids=lambda value: value if isinstance(value, str) else "")
async def test_a_filter_selects_exactly_the_rows_it_describes(selected, text, expected):
    assert await selected(text) == expected


REFUSALS = [
    ("size > 1", 1, 'no field "size"'),
    ("duck AND model.triangle_cuont > 1", 10, "Did you mean model.triangle_count?"),
    ("modelTriangleCount > 1", 1, "Known: display_name"),
    ("tags = red", 1, "takes :, not ="),
    ("status > UPLOADED", 1, "takes = != :"),
    ("status = uploaded", 10, "one of UPLOADED, VALIDATED"),
    ("model.triangle_count > many", 24, "whole number"),
    ("model.triangle_count > 1*", 24, "whole number"),
    ("model.triangle_count > 9223372036854775808", 24, "64 bits"),
    ("radius = nan", 10, "finite number"),
    ("radius = 1e999", 10, "finite number"),
    ("skinned = yes", 11, "true or false"),
    ("upload_timestamp > yesterday", 20, "RFC 3339"),
    ("upload_timestamp > 2026-02-30T00:00:00Z", 20, "exists"),
    ("upload_timestamp > 0001-01-01T00:00:00+10:00", 20, "exists"),
    ("took > 5", 8, "seconds"),
    ("scene_id = ast_0", 12, "begins with scn_"),
    (f"scene_id > {ids.write('scene', SCENE)}", 1, "takes = != :"),
    ("metadata = 5", 12, "by its keys"),
    ("display_name.first = 1", 1, "no field"),
    ("a AND", 3, "AND stands where"),
    ("a = ", 5, "not the end"),
    ("(a", 3, "opened at character 1"),
    ("a)", 2, "not expected"),
    ("contains(a, b)", 9, "Functions"),
    ("display_name = upper(b)", 21, "Functions"),
    ("NOT NOT a", 5, "NOT stands where"),
    ('"open', 6, "not closed"),
    (r'a = "\d"', 7, "backslash"),
    ("tags:(display_name = b)", 7, "only values"),
    ("a\0b", 2, "NUL"),
    ("(" * (MAX_DEPTH + 1), MAX_DEPTH + 1, "nest"),
    ("a" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "shorten"),
]


@pytest.mark.parametrize(("text", "position", "words"), REFUSALS, ids=[text[:40] for text, *_ in REFUSALS])
def test_a_wrong_filter_is_refused_with_its_position_and_the_remedy(text, position, words):
    with pytest.raises(FilterInvalid) as refused:
        FIELDS.where(text)
    assert words in refused.value.message
    assert refused.value.metadata["position"] == str(position)
    assert refused.value.violations == (("filter", refused.value.message),)


def test_a_bare_word_is_refused_where_nothing_is_searched():
    with pytest.raises(FilterInvalid, match="name a field"):
        Fields({"tags": TextList(models.c.tags)}).where("duck")


def test_what_the_caller_wrote_stands_in_bind_parameters_only():
    written = FIELDS.where("metadata.evilkey = evilvalue OR tags:evil* OR evil OR display_name:evil")
    sql = str(written.compile(dialect=postgresql.dialect()))
    assert "evil" not in sql


def test_containment_is_used_where_a_gin_index_can_serve():
    sql = str(FIELDS.where("tags:toy metadata.author = Ada").compile(dialect=postgresql.dialect()))
    assert sql.count("@>") == 2


def test_the_fields_describe_themselves():
    described = {line.name: line for line in FIELDS.describe()}
    assert described["model.triangle_count"].kind == "integer"
    assert described["tags"].comparators == (":",)
    assert len(described) == 12


# ---------------------------------------------------------------- grammar

SIGNS = string.ascii_letters + string.digits + " *\"'\\.-:()=<>!,_é\u3000"
words = st.text(SIGNS, max_size=6)
values = st.lists(words, min_size=1, max_size=3).map(lambda pieces: Value(tuple(pieces)))
names = st.one_of(words, st.sampled_from(["AND", "OR", "NOT", "a", "-", "*"]))
leaves = st.one_of(
    st.builds(Search, values),
    st.builds(
        Restriction,
        st.lists(names, min_size=1, max_size=3).map(tuple),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">=", ":"]),
        values,
    ),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=8,
)


@given(trees)
def test_a_tree_written_and_read_again_is_the_same(tree):
    assert parse(unparse(tree)) == tree


WRITTEN = (
    "AND OR NOT - ( ) \" ' \\ * . : = != < <= display_name metadata.a tags status radius took skinned upload_timestamp "
    "model.triangle_count 5 1.5s 2026-11-21T10:00:00Z x ,"
)
pieces_of_filters = st.sampled_from([*WRITTEN.split(), "\0", " "])
texts = st.one_of(st.text(), st.lists(st.one_of(pieces_of_filters, words), max_size=30).map("".join))


@given(texts)
def test_no_text_raises_anything_but_the_refusal(text):
    try:
        FIELDS.where(text)
    except FilterInvalid as refused:
        assert 1 <= int(refused.metadata["position"]) <= len(text) + 1


comparisons = st.builds(
    Restriction,
    st.sampled_from(
        [tuple(line.name.split(".")) for line in FIELDS.describe()] + [("metadata", "a"), ("metadata", "")]
    ),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">=", ":"]),
    st.one_of(
        values,
        st.sampled_from(
            ["5", "-0.5", "1e308", "-1e308", "1e-320", "9" * 400, "true", "VALIDATED", "-999999999999.9s", ""]
        ).map(lambda text: Value((text,))),
        st.datetimes().map(lambda moment: Value((moment.isoformat() + "Z",))),
        st.integers(-(2**63), 2**63 - 1).map(lambda number: Value((str(number),))),
    ),
)


@given(comparison=comparisons, negated=st.booleans())
def test_whatever_passes_the_compiler_runs_in_the_database(populated, comparison, negated):
    try:
        condition = FIELDS.where(unparse(Not(comparison) if negated else comparison))
    except FilterInvalid:
        return
    populated.execute(sa.select(models.c.id).where(condition)).all()


def test_terms_side_by_side_mean_and_and_or_binds_tighter():
    assert parse("a b AND c OR d") == parse("a AND b AND (c OR d)")
    assert parse("a AND b OR c AND d") == parse("a AND (b OR c) AND d")
    assert parse("-a") == parse("NOT a")


# ---------------------------------------------------------------- orders

ORDERINGS = [
    ("", "upload_timestamp desc,asset_id desc"),
    ("  ", "upload_timestamp desc,asset_id desc"),
    ("display_name", "display_name,asset_id"),
    ("displayName desc , upload_timestamp", "display_name desc,upload_timestamp,asset_id"),
    ("asset_id desc", "asset_id desc"),
    ("upload_timestamp asc", "upload_timestamp,asset_id"),
]


@pytest.mark.parametrize(("text", "expected"), ORDERINGS)
def test_an_order_ends_in_the_id_in_the_direction_of_the_key_before(text, expected):
    assert str(ORDERS.parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("size", "Known: upload_timestamp"),
        ("displayname", "Did you mean display_name?"),
        ("display_name down", "only asc, desc"),
        ("display_name desc desc", "only asc, desc"),
        ("display_name,,asset_id", "missing"),
        ("display_name,displayName desc", "named twice"),
        ("a" * 600, "shorten"),
    ],
)
def test_a_wrong_order_is_refused_with_the_remedy(text, words):
    with pytest.raises(FilterInvalid) as refused:
        ORDERS.parse(text)
    assert words in refused.value.message
    assert refused.value.violations[0][0] == "order_by"
