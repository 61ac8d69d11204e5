from google.api import field_behavior_pb2 as _field_behavior_pb2
from threed.v1 import assets_pb2 as _assets_pb2
from threed.v1 import derivatives_pb2 as _derivatives_pb2
from threed.v1 import render_jobs_pb2 as _render_jobs_pb2
from threed.v1 import scenes_pb2 as _scenes_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Job(_message.Message):
    __slots__ = ("ingest", "render", "probe", "derive", "frame")
    INGEST_FIELD_NUMBER: _ClassVar[int]
    RENDER_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    DERIVE_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    ingest: IngestSpec
    render: RenderSpec
    probe: ProbeSpec
    derive: DeriveSpec
    frame: FrameSpec
    def __init__(self, ingest: _Optional[_Union[IngestSpec, _Mapping]] = ..., render: _Optional[_Union[RenderSpec, _Mapping]] = ..., probe: _Optional[_Union[ProbeSpec, _Mapping]] = ..., derive: _Optional[_Union[DeriveSpec, _Mapping]] = ..., frame: _Optional[_Union[FrameSpec, _Mapping]] = ...) -> None: ...

class IngestSpec(_message.Message):
    __slots__ = ("asset_id", "source", "filename", "import_options")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    IMPORT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    source: BlobRef
    filename: str
    import_options: _assets_pb2.ImportOptions
    def __init__(self, asset_id: _Optional[str] = ..., source: _Optional[_Union[BlobRef, _Mapping]] = ..., filename: _Optional[str] = ..., import_options: _Optional[_Union[_assets_pb2.ImportOptions, _Mapping]] = ...) -> None: ...

class RenderSpec(_message.Message):
    __slots__ = ("render_job", "scene", "models", "environment", "derived", "environment_light")
    class ModelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: BlobRef
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[BlobRef, _Mapping]] = ...) -> None: ...
    RENDER_JOB_FIELD_NUMBER: _ClassVar[int]
    SCENE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    DERIVED_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_LIGHT_FIELD_NUMBER: _ClassVar[int]
    render_job: _render_jobs_pb2.RenderJob
    scene: _scenes_pb2.Scene
    models: _containers.MessageMap[str, BlobRef]
    environment: BlobRef
    derived: bool
    environment_light: BlobRef
    def __init__(self, render_job: _Optional[_Union[_render_jobs_pb2.RenderJob, _Mapping]] = ..., scene: _Optional[_Union[_scenes_pb2.Scene, _Mapping]] = ..., models: _Optional[_Mapping[str, BlobRef]] = ..., environment: _Optional[_Union[BlobRef, _Mapping]] = ..., derived: _Optional[bool] = ..., environment_light: _Optional[_Union[BlobRef, _Mapping]] = ...) -> None: ...

class FrameSpec(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class ProbeSpec(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeriveSpec(_message.Message):
    __slots__ = ("derivative", "source")
    DERIVATIVE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    derivative: _derivatives_pb2.Derivative
    source: BlobRef
    def __init__(self, derivative: _Optional[_Union[_derivatives_pb2.Derivative, _Mapping]] = ..., source: _Optional[_Union[BlobRef, _Mapping]] = ...) -> None: ...

class BlobRef(_message.Message):
    __slots__ = ("key", "sha256", "size_bytes")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    key: str
    sha256: str
    size_bytes: int
    def __init__(self, key: _Optional[str] = ..., sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...
