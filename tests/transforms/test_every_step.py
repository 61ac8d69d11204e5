"""Every step alone on a model with a bit of everything: it keeps what it does not name, and what it makes is valid."""

from __future__ import annotations

import pytest

from threed.v1 import recipes_pb2
from threed_workers import transforms
from threed_workers.document import write_glb
from threed_workers.inventory import FEATURES, compare, inventory
from threed_workers.samples.rich import rich_model

from .carried_out import carried_out, options, reread

# Settings of steps that have no default, or whose default would leave the sample as it is.
SETTINGS = {
    "simplify": {"ratio": 0.5, "error": 0.5},
    "lod": {"ratios": [0.5, 0.25], "error": 0.5},
    "scale": {"factor": 2.0},
    "normals": {"overwrite": True},
    "tangents": {"overwrite": True},
    "remove": {"features": [recipes_pb2.Remove.EXTRAS, recipes_pb2.Remove.CAMERAS]},
    "texture_resize": {"max_px": 8},
    "texture_encode": {"encoding": recipes_pb2.TextureEncode.WEBP},
    "palette": {"min": 2},
    "atlas": {"padding_px": 4},
}
every_step = pytest.mark.parametrize("step", transforms.NAMES)


@every_step
def test_a_step_keeps_what_it_does_not_name(step):
    # Given a bit of everything
    document = reread(rich_model())
    before = inventory(document)
    # When the step is carried out (which asks the validator, too)
    after = inventory(carried_out(step, document, **SETTINGS.get(step, {})))
    # Then what got fewer is what the step says
    named = dict.fromkeys(changes(step), step)
    assert [found for found in compare(before, after, named) if found.severity != "INFO"] == []


@every_step
def test_every_feature_that_a_step_names_is_one(step):
    assert {name for name in changes(step) if name.partition(".")[0] not in FEATURES} == set()


def changes(step: str) -> frozenset[str]:
    return transforms.transform(step).changes(options(step, **SETTINGS.get(step, {})))


@every_step
def test_a_step_leaves_numbers_alone_that_an_unknown_extension_may_use(step):
    # Given an extension that nobody knows, with the number of a node
    document = reread(rich_model(linked=True))
    subject = document.json["extensions"]["ACME_provenance"]["subject"]
    # When the step is carried out
    made = carried_out(step, document, **SETTINGS.get(step, {}))
    # Then that number still stands for that node
    assert made.json["extensions"]["ACME_provenance"]["subject"] == subject
    assert made.json["nodes"][subject]["name"] == "crate"


@every_step
def test_a_step_gives_the_same_bytes_again(step, tmp_path):
    files = []
    for turn in range(2):
        files.append(tmp_path / f"{turn}.glb")
        write_glb(carried_out(step, reread(rich_model()), **SETTINGS.get(step, {})), files[-1])
    assert files[0].read_bytes() == files[1].read_bytes()
