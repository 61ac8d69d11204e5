"""The TypeScript client, installed from its lock file, by its own tests, against the stack as a user starts it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.servers.absent import absent
from tests.stack import RunningStack

PACKAGE = Path(__file__).parents[2] / "clients/typescript"
# What the example in the README finds in its page.
PAGE = """
declare const token: string;
declare const input: { files: [File] };
declare const image: { src: string };
"""


def npm(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["npm", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package in a folder of its own, with exactly what its lock file names."""
    if shutil.which("npm") is None:
        absent("The TypeScript client is tested with Node 20 or newer; there is no `npm` on PATH.")
    folder = tmp_path_factory.mktemp("typescript") / "client"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "build"))
    done = npm(folder, "ci", "--prefer-offline", "--no-audit", "--no-fund")
    assert "npm error code EUSAGE" not in done.stdout, done.stdout  # package.json and its lock file differ
    if done.returncode:
        absent(f"The packages of the TypeScript client cannot be had here: {done.stdout.strip()[-500:]}")
    return folder


def test_the_typescript_client_takes_a_model_in_and_a_picture_out(package: Path, stack: RunningStack):
    done = npm(package, "test", THREED_URL=stack.url, THREED_TOKEN=stack.token("editor"))

    assert done.returncode == 0, done.stdout
    assert re.search(r"^\S+ skipped 0$", done.stdout, re.MULTILINE), done.stdout
    passed = r"^(ok \d+ -|✔) a model goes in and a picture of it comes out"
    assert re.search(passed, done.stdout, re.MULTILINE), done.stdout


def test_the_example_of_the_readme_compiles(package: Path):
    example = re.search(r"```ts\n(.*?)```", (package / "README.md").read_text(), re.DOTALL)[1]
    (package / "test/readme.ts").write_text(example + PAGE)
    assert npm(package, "run", "build").returncode == 0

    done = npm(package, "exec", "--", "tsc", "-p", "test")

    assert done.returncode == 0, done.stdout
