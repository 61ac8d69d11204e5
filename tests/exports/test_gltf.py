"""glTF in separate files: the same document, in other places."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from threed_workers.document import Builder, Document, read
from threed_workers.exports import EXPORTS
from threed_workers.validator import Validator, missing

from .pieces import every_mode, furnished, imported, picture, showpiece, skinned


def unzipped(document: Document, folder) -> tuple[dict, list[str]]:
    """(JSON, names in the zip); the files lie in `folder`/files."""
    made = EXPORTS["gltf"].write(document, folder, "model")
    with zipfile.ZipFile(folder / made.file) as archive:
        archive.extractall(folder / "files")
        return json.loads(archive.read("model.gltf")), archive.namelist()


@pytest.mark.parametrize("model", [showpiece, every_mode, skinned, furnished])
def test_it_comes_back_with_every_key_and_every_byte(model, tmp_path):
    # Given a document, written as separate files
    document = model()
    _, names = unzipped(document, tmp_path)
    assert names[:2] == ["model.gltf", "model.bin"]
    # When it is imported again
    _, found = imported(tmp_path / "model.zip", tmp_path / "in")
    # Then all is as it was, but for where the bytes lie
    for kind in document.json.keys() - {"buffers", "bufferViews", "accessors", "images"}:
        assert found.json[kind] == document.json[kind]
    for number in range(len(document.all("accessors"))):
        assert np.array_equal(read(found, number), read(document, number))
    for number in range(len(document.all("images"))):
        assert bytes(found.picture(number)) == bytes(document.picture(number))


def test_pictures_become_files_and_leave_the_buffer(tmp_path):
    document = showpiece()
    root, names = unzipped(document, tmp_path)
    assert names[2:] == ["textures/checker.png", "textures/checker_surface.png", "textures/checker_normals.png"]
    assert [image["uri"] for image in root["images"]] == names[2:]
    pictures = sum(len(document.picture(number)) for number in range(3))
    assert root["buffers"] == [{"byteLength": (tmp_path / "files/model.bin").stat().st_size, "uri": "model.bin"}]
    rest = document.json["buffers"][0]["byteLength"] - pictures
    assert root["buffers"][0]["byteLength"] <= rest + 64, "gaps keep what was aligned aligned"


def test_a_view_that_something_else_uses_stays(tmp_path):
    # Given a picture whose bytes are vertices as well
    builder = Builder("tests")
    data = picture()
    image = builder.picture(data, "image/png", "two uses")
    view = builder.json["images"][image]["bufferView"]
    builder.add("accessors", {"bufferView": view, "componentType": 5121, "count": len(data), "type": "SCALAR"})
    builder.add("textures", {"source": image})
    # When it is written, and read again
    root, _ = unzipped(builder.finish(), tmp_path)
    # Then both are there
    assert len(root["bufferViews"]) == 1
    assert (tmp_path / "files/model.bin").read_bytes() == (tmp_path / "files/textures/two_uses.png").read_bytes()


def test_a_document_of_pictures_alone_needs_no_buffer(tmp_path):
    builder = Builder("tests")
    builder.add("textures", {"source": builder.picture(picture(), "image/png")})
    root, names = unzipped(builder.finish(), tmp_path)
    assert names == ["model.gltf", "textures/picture_0.png"]
    assert not {"buffers", "bufferViews"} & root.keys()


def test_extensions_that_count_in_views_keep_their_views(tmp_path):
    document = showpiece()
    document.json["extensionsUsed"] = ["EXT_structural_metadata"]
    root, names = unzipped(document, tmp_path)
    assert names == ["model.gltf", "model.bin"]
    assert len(root["bufferViews"]) == len(document.all("bufferViews"))


@pytest.mark.skipif(missing() is not None, reason=f"no validator: {missing()}")
@pytest.mark.parametrize("model", [showpiece, every_mode, skinned])
def test_the_validator_finds_no_error_in_a_glb(model, tmp_path):
    EXPORTS["glb"].write(model(), tmp_path, "model")
    validator = Validator(tmp_path)
    report = validator.validate(tmp_path / "model.glb")
    validator.close()
    assert report["issues"]["numErrors"] == 0
