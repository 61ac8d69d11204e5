import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import client_pb2 as _client_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import field_info_pb2 as _field_info_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from threed.v1 import access_pb2 as _access_pb2
from threed.v1 import assets_pb2 as _assets_pb2
from threed.v1 import scenes_pb2 as _scenes_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RenderJob(_message.Message):
    __slots__ = ("job_id", "scene_id", "asset_id", "scene_revision", "camera_config", "engine", "output_format", "resolution", "samples", "background", "environment", "tone_mapping", "exposure", "priority", "status", "progress", "phase", "created_at", "started_at", "completed_at", "output_path", "output", "error", "attempts", "engine_used", "losses", "etag", "created_by", "project")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[RenderJob.Status]
        PENDING: _ClassVar[RenderJob.Status]
        PROCESSING: _ClassVar[RenderJob.Status]
        COMPLETED: _ClassVar[RenderJob.Status]
        FAILED: _ClassVar[RenderJob.Status]
        CANCELLED: _ClassVar[RenderJob.Status]
    STATUS_UNSPECIFIED: RenderJob.Status
    PENDING: RenderJob.Status
    PROCESSING: RenderJob.Status
    COMPLETED: RenderJob.Status
    FAILED: RenderJob.Status
    CANCELLED: RenderJob.Status
    class OutputFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTPUT_FORMAT_UNSPECIFIED: _ClassVar[RenderJob.OutputFormat]
        PNG: _ClassVar[RenderJob.OutputFormat]
        JPEG: _ClassVar[RenderJob.OutputFormat]
        WEBP: _ClassVar[RenderJob.OutputFormat]
    OUTPUT_FORMAT_UNSPECIFIED: RenderJob.OutputFormat
    PNG: RenderJob.OutputFormat
    JPEG: RenderJob.OutputFormat
    WEBP: RenderJob.OutputFormat
    class ToneMapping(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TONE_MAPPING_UNSPECIFIED: _ClassVar[RenderJob.ToneMapping]
        PBR_NEUTRAL: _ClassVar[RenderJob.ToneMapping]
        AGX: _ClassVar[RenderJob.ToneMapping]
        ACES: _ClassVar[RenderJob.ToneMapping]
        LINEAR: _ClassVar[RenderJob.ToneMapping]
    TONE_MAPPING_UNSPECIFIED: RenderJob.ToneMapping
    PBR_NEUTRAL: RenderJob.ToneMapping
    AGX: RenderJob.ToneMapping
    ACES: RenderJob.ToneMapping
    LINEAR: RenderJob.ToneMapping
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SCENE_REVISION_FIELD_NUMBER: _ClassVar[int]
    CAMERA_CONFIG_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    TONE_MAPPING_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_PATH_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_USED_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    scene_id: str
    asset_id: str
    scene_revision: int
    camera_config: CameraConfig
    engine: str
    output_format: RenderJob.OutputFormat
    resolution: Resolution
    samples: int
    background: _scenes_pb2.Background
    environment: _scenes_pb2.Environment
    tone_mapping: RenderJob.ToneMapping
    exposure: float
    priority: int
    status: RenderJob.Status
    progress: float
    phase: str
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    output_path: str
    output: RenderOutput
    error: _status_pb2.Status
    attempts: int
    engine_used: str
    losses: _containers.RepeatedCompositeFieldContainer[_assets_pb2.Loss]
    etag: str
    created_by: str
    project: str
    def __init__(self, job_id: _Optional[str] = ..., scene_id: _Optional[str] = ..., asset_id: _Optional[str] = ..., scene_revision: _Optional[int] = ..., camera_config: _Optional[_Union[CameraConfig, _Mapping]] = ..., engine: _Optional[str] = ..., output_format: _Optional[_Union[RenderJob.OutputFormat, str]] = ..., resolution: _Optional[_Union[Resolution, _Mapping]] = ..., samples: _Optional[int] = ..., background: _Optional[_Union[_scenes_pb2.Background, _Mapping]] = ..., environment: _Optional[_Union[_scenes_pb2.Environment, _Mapping]] = ..., tone_mapping: _Optional[_Union[RenderJob.ToneMapping, str]] = ..., exposure: _Optional[float] = ..., priority: _Optional[int] = ..., status: _Optional[_Union[RenderJob.Status, str]] = ..., progress: _Optional[float] = ..., phase: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., output_path: _Optional[str] = ..., output: _Optional[_Union[RenderOutput, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., attempts: _Optional[int] = ..., engine_used: _Optional[str] = ..., losses: _Optional[_Iterable[_Union[_assets_pb2.Loss, _Mapping]]] = ..., etag: _Optional[str] = ..., created_by: _Optional[str] = ..., project: _Optional[str] = ...) -> None: ...

class CameraConfig(_message.Message):
    __slots__ = ("scene_camera", "look_at", "auto_frame")
    class LookAt(_message.Message):
        __slots__ = ("eye", "target", "up", "yfov")
        EYE_FIELD_NUMBER: _ClassVar[int]
        TARGET_FIELD_NUMBER: _ClassVar[int]
        UP_FIELD_NUMBER: _ClassVar[int]
        YFOV_FIELD_NUMBER: _ClassVar[int]
        eye: _containers.RepeatedScalarFieldContainer[float]
        target: _containers.RepeatedScalarFieldContainer[float]
        up: _containers.RepeatedScalarFieldContainer[float]
        yfov: float
        def __init__(self, eye: _Optional[_Iterable[float]] = ..., target: _Optional[_Iterable[float]] = ..., up: _Optional[_Iterable[float]] = ..., yfov: _Optional[float] = ...) -> None: ...
    class AutoFrame(_message.Message):
        __slots__ = ("yaw", "pitch", "yfov", "margin")
        YAW_FIELD_NUMBER: _ClassVar[int]
        PITCH_FIELD_NUMBER: _ClassVar[int]
        YFOV_FIELD_NUMBER: _ClassVar[int]
        MARGIN_FIELD_NUMBER: _ClassVar[int]
        yaw: float
        pitch: float
        yfov: float
        margin: float
        def __init__(self, yaw: _Optional[float] = ..., pitch: _Optional[float] = ..., yfov: _Optional[float] = ..., margin: _Optional[float] = ...) -> None: ...
    SCENE_CAMERA_FIELD_NUMBER: _ClassVar[int]
    LOOK_AT_FIELD_NUMBER: _ClassVar[int]
    AUTO_FRAME_FIELD_NUMBER: _ClassVar[int]
    scene_camera: str
    look_at: CameraConfig.LookAt
    auto_frame: CameraConfig.AutoFrame
    def __init__(self, scene_camera: _Optional[str] = ..., look_at: _Optional[_Union[CameraConfig.LookAt, _Mapping]] = ..., auto_frame: _Optional[_Union[CameraConfig.AutoFrame, _Mapping]] = ...) -> None: ...

class Resolution(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class RenderOutput(_message.Message):
    __slots__ = ("media_type", "size_bytes", "sha256", "width_px", "height_px")
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    size_bytes: int
    sha256: str
    width_px: int
    height_px: int
    def __init__(self, media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ...) -> None: ...

class CreateRenderJobRequest(_message.Message):
    __slots__ = ("render_job", "request_id", "validate_only")
    RENDER_JOB_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    render_job: RenderJob
    request_id: str
    validate_only: bool
    def __init__(self, render_job: _Optional[_Union[RenderJob, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GetRenderJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ListRenderJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...

class ListRenderJobsResponse(_message.Message):
    __slots__ = ("render_jobs", "next_page_token")
    RENDER_JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    render_jobs: _containers.RepeatedCompositeFieldContainer[RenderJob]
    next_page_token: str
    def __init__(self, render_jobs: _Optional[_Iterable[_Union[RenderJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelRenderJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class RetryRenderJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class WatchRenderJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class WatchRenderJobResponse(_message.Message):
    __slots__ = ("render_job", "sequence")
    RENDER_JOB_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    render_job: RenderJob
    sequence: int
    def __init__(self, render_job: _Optional[_Union[RenderJob, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...

class GetRenderJobDownloadUrlRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class DeleteRenderJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...
