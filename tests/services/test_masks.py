"""Update masks over a message that has a field of every kind and behaviour, and etags."""

from __future__ import annotations

import pytest
from google.api.field_behavior_pb2 import IDENTIFIER, IMMUTABLE, OUTPUT_ONLY, REQUIRED, field_behavior
from google.protobuf import struct_pb2, timestamp_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from threed.errors import EtagMismatch, MaskInvalid
from threed.services.masks import apply, check_etag, etag
from threed.v1 import assets_pb2

STRING, INT64, MESSAGE = (
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_INT64,
    FieldDescriptorProto.TYPE_MESSAGE,
)


def _message(name: str, *fields: tuple) -> DescriptorProto:
    """A message of (name, type or message name, behaviour or None, "repeated" or oneof's name or None)."""
    message = DescriptorProto(name=name)
    for number, (field_name, kind, behaviour, form) in enumerate(fields, start=1):
        field = message.field.add(name=field_name, number=number, label=3 if form == "repeated" else 1)
        if isinstance(kind, str):
            field.type, field.type_name = MESSAGE, kind
        else:
            field.type = kind
        if behaviour is not None:
            field.options.Extensions[field_behavior].append(behaviour)
        if form not in (None, "repeated"):
            if form not in [oneof.name for oneof in message.oneof_decl]:
                message.oneof_decl.add(name=form)
            field.oneof_index = [oneof.name for oneof in message.oneof_decl].index(form)
    return message


def _scene_class():
    file = FileDescriptorProto(name="masked.proto", package="masked", syntax="proto3")
    file.dependency.extend(["google/protobuf/struct.proto", "google/protobuf/timestamp.proto"])
    labels = _message("LabelsEntry", ("key", STRING, None, None), ("value", STRING, None, None))
    labels.options.map_entry = True
    scene = _message(
        "Scene",
        ("scene_id", STRING, IDENTIFIER, None),
        ("display_name", STRING, REQUIRED, None),
        ("metadata", ".google.protobuf.Struct", None, None),
        ("labels", ".masked.Scene.LabelsEntry", None, "repeated"),
        ("tags", STRING, None, "repeated"),
        ("nodes", ".masked.Node", None, "repeated"),
        ("camera", ".masked.Camera", None, "view"),
        ("light", ".masked.Light", None, "view"),
        ("engine", STRING, IMMUTABLE, None),
        ("origin", ".masked.Light", IMMUTABLE, None),
        ("update_time", ".google.protobuf.Timestamp", OUTPUT_ONLY, None),
        ("expire_time", ".google.protobuf.Timestamp", None, None),
        ("etag", STRING, None, None),
        ("internal", STRING, None, None),
    )
    scene.nested_type.append(labels)
    file.message_type.extend(
        [
            scene,
            _message("Node", ("name", STRING, None, None)),
            _message("Light", ("power", INT64, None, None), ("name", STRING, None, None)),
            _message(
                "Camera",
                ("fov", INT64, REQUIRED, None),
                ("name", STRING, REQUIRED, None),
                ("target", ".masked.Light", None, None),
                ("made_by", STRING, OUTPUT_ONLY, None),
            ),
        ]
    )
    pool = DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName("masked.Scene"))


Scene = _scene_class()
WRITABLE = {"display_name", "metadata", "labels", "tags", "nodes", "camera", "light", "expire_time", "engine", "origin"}


def scene(**fields):
    metadata = fields.pop("metadata", None)
    made = Scene(**fields)
    if metadata is not None:
        made.metadata.update(metadata)
    return made


def stored():
    return scene(
        scene_id="scn_1",
        display_name="Hall",
        metadata={"author": "Ada", "Year": 1843},
        labels={"team": "a", "floor": "2"},
        tags=["old"],
        nodes=[{"name": "root"}],
        camera={"fov": 40, "name": "main", "target": {"power": 5, "name": "lamp"}, "made_by": "server"},
        engine="raster",
        origin={"power": 1},
        update_time={"seconds": 7},
        etag='"1"',
        internal="kept",
    )


def updated(patch, *paths, target=None, writable=WRITABLE):
    target = target if target is not None else stored()
    changed = apply(target, patch, FieldMask(paths=paths) if paths else None, writable)
    return target, changed


# ---------------------------------------------------------------- an absent mask


def test_without_a_mask_what_the_request_sets_is_written_and_nothing_is_cleared():
    patch = scene(display_name="Room", tags=["new"], metadata={"a": 1}, camera={"target": {"power": 9}})
    after, changed = updated(patch)
    expected = stored()
    expected.display_name = "Room"
    expected.tags[:] = ["new"]
    expected.metadata.Clear()
    expected.metadata.update({"a": 1})
    expected.camera.target.power = 9
    assert after == expected
    assert changed == {"display_name", "tags", "metadata", "camera.target.power"}


def test_an_empty_mask_is_an_absent_one():
    target = stored()
    assert apply(target, scene(display_name="Room"), FieldMask(), WRITABLE) == {"display_name"}


def test_sending_back_what_was_read_changes_nothing():
    after, changed = updated(stored())
    assert after == stored() and changed == frozenset()
    after, changed = updated(stored(), "*")
    assert after == stored() and changed == frozenset()


def test_an_empty_sub_message_is_set_where_there_was_none():
    after, changed = updated(scene(light={}), target=scene(display_name="Hall"))
    assert after.HasField("light") and changed == {"light"}


# ---------------------------------------------------------------- the star


def test_a_star_replaces_the_resource_but_not_what_the_server_wrote():
    after, changed = updated(scene(display_name="Room", etag='"0"', update_time={"seconds": 1}), "*")
    expected = scene(
        scene_id="scn_1",
        display_name="Room",
        camera={"made_by": "server"},
        engine="raster",
        origin={"power": 1},
        update_time={"seconds": 7},
        etag='"1"',
        internal="kept",
    )
    assert after == expected
    assert changed == {"display_name", "metadata", "labels", "tags", "nodes", "camera", "camera.target"}


# ---------------------------------------------------------------- paths


def test_a_named_field_that_the_request_does_not_set_is_cleared():
    after, changed = updated(Scene(), "tags", "metadata", "camera.target.name")
    assert not after.tags and not after.HasField("metadata") and after.camera.target.name == ""
    assert after.camera.target.power == 5
    assert changed == {"tags", "metadata", "camera.target.name"}


def test_lists_and_maps_are_replaced_as_a_whole():
    after, _ = updated(scene(nodes=[{"name": "x"}, {"name": "y"}], labels={"team": "b"}), "nodes", "labels")
    assert [node.name for node in after.nodes] == ["x", "y"]
    assert dict(after.labels) == {"team": "b"}


def test_a_named_sub_message_is_replaced_as_a_whole_but_for_what_the_server_wrote():
    after, _ = updated(scene(camera={"fov": 50, "name": "main", "made_by": "me"}), "camera")
    assert after.camera == scene(camera={"fov": 50, "name": "main", "made_by": "server"}).camera


def test_paths_may_be_lower_camel_case():
    after, changed = updated(scene(display_name="Room"), "displayName")
    assert after.display_name == "Room" and changed == {"display_name"}


def test_keys_of_maps_and_structs_are_written_and_deleted_one_by_one():
    patch = scene(metadata={"author": "Grace", "two words": True}, labels={"team": "b"})
    after, changed = updated(
        patch, "metadata.author", "metadata.`two words`", "metadata.Year", "labels.team", "labels.floor"
    )
    assert dict(after.metadata) == {"author": "Grace", "two words": True}
    assert dict(after.labels) == {"team": "b"}
    assert changed == {"metadata.author", "metadata.two words", "metadata.Year", "labels.team", "labels.floor"}


def test_another_member_of_a_oneof_takes_the_place_of_the_first():
    for paths in ([], ["light"], ["camera", "light"], ["light", "camera"]):
        target = stored()
        target.camera.ClearField("made_by")
        after, _ = updated(scene(light={"power": 3}), *paths, target=target)
        assert after.WhichOneof("view") == "light" and after.light.power == 3


def test_output_only_fields_and_the_etag_are_ignored_even_when_named():
    patch = scene(update_time={"seconds": 99}, etag='"9"', camera={"made_by": "me"})
    after, changed = updated(patch, "update_time", "etag", "camera.made_by")
    assert after == stored() and changed == frozenset()


def test_a_fixed_field_may_be_named_with_the_value_that_it_has():
    patch = scene(scene_id="scn_1", engine="raster", origin={"power": 1}, internal="kept")
    for paths in ([], ["scene_id", "engine", "origin.power", "internal"]):
        assert updated(patch, *paths) == (stored(), frozenset())


# ---------------------------------------------------------------- refusals

REFUSALS = [
    (scene(engine="path"), [], "engine is IMMUTABLE"),
    (scene(display_name="x", engine="path"), ["*"], "engine is IMMUTABLE"),
    (scene(), ["engine"], "engine is IMMUTABLE"),
    (scene(origin={"power": 2}), [], "origin.power is IMMUTABLE"),
    (scene(origin={"power": 2}), ["origin"], "origin is IMMUTABLE"),
    (scene(origin={"power": 2}), ["origin.power"], "origin.power is IMMUTABLE"),
    (scene(scene_id="scn_2"), [], "scene_id is IMMUTABLE"),
    (scene(internal="x"), ["internal"], "internal cannot be changed by this method"),
    (scene(display_name="x", internal="x"), ["*"], "Writable: camera, display_name"),
    (scene(), ["display_name"], "display_name is REQUIRED"),
    (scene(), ["*"], "display_name is REQUIRED"),
    (scene(camera={"fov": 1}), ["camera"], "camera.name is REQUIRED"),
    (scene(), ["display_nam"], "Did you mean display_name?"),
    (scene(), ["camera.zoom"], "Known: fov, name, target, made_by"),
    (scene(), ["light.zoom"], "Known: power, name"),
    (scene(), ["update_time.hours"], "update_time, which is one value"),
    (scene(), ["*", "tags"], "* must be the only path"),
    (scene(), ["camera.*"], "cannot follow a name"),
    (scene(), ["nodes.name"], "nodes, which is a list"),
    (scene(), ["nodes[0]"], "does not have"),
    (scene(), ["tags.0"], "tags, which is a list"),
    (scene(), ["display_name.x"], "one value"),
    (scene(), ["metadata.author.name"], "below a key"),
    (scene(metadata={"myKey": 1}), ["metadata.my_key"], "neither the request nor the resource"),
    (scene(), [""], "not a path"),
    (scene(), ["camera."], "not a path"),
    (scene(), ["camera..fov"], "not a path"),
    (scene(), ["metadata.`open"], "not a path"),
    (scene(), ["tags"] * 201, "at most 200"),
]


@pytest.mark.parametrize(("patch", "paths", "words"), REFUSALS, ids=[f"{row[1][:2]} {row[2]}" for row in REFUSALS])
def test_a_wrong_mask_is_refused_with_the_path_and_the_remedy(patch, paths, words):
    with pytest.raises(MaskInvalid) as refused:
        updated(patch, *paths)
    assert words in refused.value.message
    assert refused.value.violations == (("update_mask", refused.value.message),)


def test_only_the_writable_part_of_a_sub_message_is_written():
    after, _ = updated(scene(camera={"fov": 9}), writable={"camera.fov"})
    assert after.camera.fov == 9
    after, _ = updated(scene(camera={"fov": 9}), "camera", writable={"camera.fov"})
    assert after.camera.fov == 9 and after.camera.name == "main"
    with pytest.raises(MaskInvalid, match=r"camera\.name cannot be changed"):
        updated(scene(camera={"fov": 9, "name": "x"}), "camera", writable={"camera.fov"})


def test_two_kinds_of_message_are_a_programming_error():
    with pytest.raises(TypeError, match=r"google\.protobuf\.Struct cannot change a masked\.Scene"):
        apply(stored(), struct_pb2.Struct(), None, WRITABLE)


names = st.sampled_from(
    [field.name for field in Scene.DESCRIPTOR.fields] + ["fov", "name", "power", "*", "`a b`", "x", ""]
)


@given(st.lists(st.one_of(st.lists(names, max_size=4).map(".".join), st.text()), max_size=5))
def test_no_mask_raises_anything_but_the_refusal(paths):
    paths = [path for path in paths if path.isprintable()]
    try:
        apply(stored(), scene(display_name="Room", camera={"fov": 1, "name": "n"}), FieldMask(paths=paths), WRITABLE)
    except MaskInvalid as refused:
        assert refused.violations


@given(st.lists(st.sampled_from(sorted(WRITABLE - {"engine", "origin", "display_name"})), min_size=1))
def test_a_mask_applied_twice_is_a_mask_applied_once(paths):
    patch = scene(tags=["t"], camera={"fov": 1, "name": "n"}, labels={"a": "b"})
    once, _ = updated(patch, *paths)
    twice, changed = updated(patch, *paths, target=Scene.FromString(once.SerializeToString()))
    assert twice == once and changed == frozenset()


def test_an_asset_of_the_contract_can_be_read_changed_and_sent_back_whole():
    stored_asset = assets_pb2.Asset(asset_id="ast_1", display_name="Duck", size_bytes=5, tags=["toy"], etag='"1"')
    stored_asset.model.triangle_count = 4212
    patch = assets_pb2.Asset.FromString(stored_asset.SerializeToString())
    patch.display_name = "Rubber Duck"
    patch.model.triangle_count = 1
    for mask in (None, FieldMask(paths=["*"])):
        target = assets_pb2.Asset.FromString(stored_asset.SerializeToString())
        assert apply(target, patch, mask, {"display_name", "tags", "metadata"}) == {"display_name"}
        assert target.model.triangle_count == 4212


# ---------------------------------------------------------------- etags


def test_an_etag_changes_with_the_revision_and_is_quoted():
    assert etag("scn_1", 4) == etag("scn_1", 4)
    assert len({etag("scn_1", 4), etag("scn_1", 5), etag("scn_2", 4), etag("scn_", 14)}) == 4
    assert etag("scn_1", 4).startswith('"') and etag("scn_1", 4).endswith('"')


def test_no_etag_the_same_one_and_a_star_pass_and_another_is_refused():
    current = etag("scn_1", 4)
    for given_etag in ("", "*", current):
        check_etag(given_etag, current)
    with pytest.raises(EtagMismatch) as refused:
        check_etag('"stale"', current)
    assert refused.value.metadata == {"etag": current, "sent_etag": '"stale"'}
