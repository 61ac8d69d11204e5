import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from threed.v1 import access_pb2 as _access_pb2
from threed.v1 import assets_pb2 as _assets_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetCapabilitiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Capabilities(_message.Message):
    __slots__ = ("version", "formats", "engines", "environments", "worker_count", "limits", "outputs")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FORMATS_FIELD_NUMBER: _ClassVar[int]
    ENGINES_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    WORKER_COUNT_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    version: str
    formats: _containers.RepeatedCompositeFieldContainer[FormatCapability]
    engines: _containers.RepeatedCompositeFieldContainer[EngineCapability]
    environments: _containers.RepeatedScalarFieldContainer[str]
    worker_count: int
    limits: Limits
    outputs: _containers.RepeatedCompositeFieldContainer[OutputCapability]
    def __init__(self, version: _Optional[str] = ..., formats: _Optional[_Iterable[_Union[FormatCapability, _Mapping]]] = ..., engines: _Optional[_Iterable[_Union[EngineCapability, _Mapping]]] = ..., environments: _Optional[_Iterable[str]] = ..., worker_count: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., outputs: _Optional[_Iterable[_Union[OutputCapability, _Mapping]]] = ...) -> None: ...

class FormatCapability(_message.Message):
    __slots__ = ("name", "media_type", "extensions", "asset_type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    ASSET_TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    media_type: str
    extensions: _containers.RepeatedScalarFieldContainer[str]
    asset_type: _assets_pb2.Asset.Type
    def __init__(self, name: _Optional[str] = ..., media_type: _Optional[str] = ..., extensions: _Optional[_Iterable[str]] = ..., asset_type: _Optional[_Union[_assets_pb2.Asset.Type, str]] = ...) -> None: ...

class EngineCapability(_message.Message):
    __slots__ = ("name", "version", "available", "unavailable_reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    available: bool
    unavailable_reason: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., available: _Optional[bool] = ..., unavailable_reason: _Optional[str] = ...) -> None: ...

class OutputCapability(_message.Message):
    __slots__ = ("format", "codec", "available", "unavailable_reason")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_REASON_FIELD_NUMBER: _ClassVar[int]
    format: str
    codec: str
    available: bool
    unavailable_reason: str
    def __init__(self, format: _Optional[str] = ..., codec: _Optional[str] = ..., available: _Optional[bool] = ..., unavailable_reason: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_upload_bytes", "max_chunk_bytes", "upload_idle_timeout", "max_watchers", "job_memory_bytes", "job_timeout", "job_max_attempts", "download_url_lifetime", "delete_retention", "max_render_pixels", "max_image_pixels")
    MAX_UPLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_WATCHERS_FIELD_NUMBER: _ClassVar[int]
    JOB_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    JOB_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    JOB_MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    DOWNLOAD_URL_LIFETIME_FIELD_NUMBER: _ClassVar[int]
    DELETE_RETENTION_FIELD_NUMBER: _ClassVar[int]
    MAX_RENDER_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGE_PIXELS_FIELD_NUMBER: _ClassVar[int]
    max_upload_bytes: int
    max_chunk_bytes: int
    upload_idle_timeout: _duration_pb2.Duration
    max_watchers: int
    job_memory_bytes: int
    job_timeout: _duration_pb2.Duration
    job_max_attempts: int
    download_url_lifetime: _duration_pb2.Duration
    delete_retention: _duration_pb2.Duration
    max_render_pixels: int
    max_image_pixels: int
    def __init__(self, max_upload_bytes: _Optional[int] = ..., max_chunk_bytes: _Optional[int] = ..., upload_idle_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_watchers: _Optional[int] = ..., job_memory_bytes: _Optional[int] = ..., job_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., job_max_attempts: _Optional[int] = ..., download_url_lifetime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., delete_retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_render_pixels: _Optional[int] = ..., max_image_pixels: _Optional[int] = ...) -> None: ...

class ProbeJobsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ProbeJobsResponse(_message.Message):
    __slots__ = ("queue_duration", "run_duration", "worker")
    QUEUE_DURATION_FIELD_NUMBER: _ClassVar[int]
    RUN_DURATION_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    queue_duration: _duration_pb2.Duration
    run_duration: _duration_pb2.Duration
    worker: str
    def __init__(self, queue_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., run_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., worker: _Optional[str] = ...) -> None: ...
