"""What an operator can set: read from the environment, refused by name, documented."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from threed.settings import Settings

ROOT = Path(__file__).parents[1]
FIELDS = dataclasses.fields(Settings)


def test_the_page_of_settings_is_current(tmp_path):
    subprocess.run([sys.executable, ROOT / "docs/generate.py", "--into", tmp_path, "settings"], check=True)
    assert (tmp_path / "settings.md").read_text() == (ROOT / "docs/settings.md").read_text(), "run docs/generate.py"


def test_every_setting_has_a_sentence():
    assert [field.name for field in FIELDS if not field.metadata["doc"].endswith(".")] == []


def test_every_setting_is_read_from_its_variable():
    other = {"str": "other", "int": "7", "float": "7.5", "bool": "no"}
    environment = {f"THREED_{field.name.upper()}": other[field.type] for field in FIELDS}
    read = dataclasses.asdict(Settings.from_environment(environment))
    want = {"str": "other", "int": 7, "float": 7.5, "bool": False}
    assert read == {field.name: want[field.type] for field in FIELDS}


def test_nothing_set_means_the_defaults():
    assert Settings.from_environment({"HOME": "/root", "THREED_TOKEN": "of a client"}) == Settings()


@pytest.mark.parametrize(
    ("name", "text"),
    [("THREED_MAX_UPLOAD_BYTES", "20 GB"), ("THREED_JOB_LEASE_S", "long"), ("THREED_S3_SECURE", "perhaps")],
)
def test_a_value_that_does_not_parse_is_refused_by_its_name(name, text):
    with pytest.raises(ValueError, match=f"{name} must be .*{text}"):
        Settings.from_environment({name: text})


def test_a_short_secret_is_refused_with_the_way_to_a_good_one(tmp_path):
    (tmp_path / "secret").write_bytes(b"too short")
    with pytest.raises(ValueError, match="head -c 32 /dev/urandom"):
        Settings(secret_file=str(tmp_path / "secret")).secret()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_database_is_named_as_everybody_names_it(scheme):
    settings = Settings(database_url=f"{scheme}://ada@db/threed")
    assert settings.sqlalchemy_url() == "postgresql+psycopg://ada@db/threed"
    assert settings.libpq_url() == "postgresql://ada@db/threed"


def test_a_missing_database_is_named():
    with pytest.raises(ValueError, match="THREED_DATABASE_URL"):
        Settings().sqlalchemy_url()


def test_the_package_names_no_setting_that_does_not_exist():
    """Sentences tell operators what to set: a renamed setting must be renamed there too."""
    known = {f"THREED_{field.name.upper()}" for field in FIELDS} | {"THREED_URL", "THREED_TOKEN"}
    known.add("THREED_SHADERS")  # from a worker to its own children
    named = set()
    for folder in ("server/threed", "workers/threed_workers", "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".md") and "node_modules" not in path.parts:
                named |= {word for word in _words(path.read_text()) if re.fullmatch("THREED_[A-Z0-9_]*[A-Z0-9]", word)}
    assert named - known == set()


def _words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in text).split())
