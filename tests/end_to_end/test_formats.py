"""One small file of every format, through the whole stack: checked, with thumbnails, and rendered if it is a model."""

from __future__ import annotations

import pytest
from tests.end_to_end.doors import get
from tests.end_to_end.job import decoded, picture, ready, rendered

from threed.v1.assets_pb2 import Asset, AssetFile
from threed_workers import formats
from threed_workers.samples import SAMPLES, sample

TYPES = {format.name: format.asset_type for format in formats.ALL}


def format_of(name: str) -> str:
    """The format that a sample is of: `obj.zip` is an OBJ, and a bare zip holds a glTF."""
    return {"zip": "gltf"}.get(name, name.partition(".")[0])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_of_every_format_is_checked_and_shown(rest, name):
    # Given a file under a name that says nothing
    asset = ready(rest, sample(name), "nameless.bin")
    # Then its content was recognised
    assert asset.file_format == format_of(name)
    assert Asset.Type.Name(asset.asset_type) == TYPES[asset.file_format]
    assert asset.HasField("model") == (asset.asset_type == Asset.MODEL)
    assert asset.HasField("picture") == (asset.asset_type != Asset.MODEL)
    # And its thumbnails are pictures
    thumbnails = [file for file in asset.files if file.kind == AssetFile.THUMBNAIL]
    assert {file.media_type for file in thumbnails} == {"image/webp", "image/png"}
    for file in thumbnails:
        asked = {"kind": file.kind, "long_edge_px": file.long_edge_px, "media_type": file.media_type}
        answer = get(rest("GetAssetDownloadUrl", asset_id=asset.asset_id, **asked).url)
        shown = decoded(answer.body)
        assert max(shown.size) <= file.long_edge_px
        assert len(shown.convert("RGB").getcolors(shown.width * shown.height)) > 1
    # And a model is drawn
    if asset.asset_type == Asset.MODEL:
        shown = picture(rest, rendered(rest, asset_id=asset.asset_id))
        assert len(shown.convert("RGB").getcolors(96 * 64)) > 1


def test_every_format_that_the_stack_tells_of_has_a_file_here(rest):
    told = {format.name for format in rest("GetCapabilities").formats}
    assert told == set(TYPES) == {format_of(name) for name in SAMPLES}
