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
    __slots__ = ("job_id", "scene_id", "asset_id", "scene_revision", "camera_config", "engine", "output_format", "resolution", "samples", "background", "environment", "tone_mapping", "exposure", "priority", "status", "progress", "phase", "created_at", "started_at", "completed_at", "output_path", "output", "error", "attempts", "engine_used", "losses", "etag", "created_by", "project", "preset", "derivative_id", "material_variant", "animation", "cameras", "turntable", "animation_film", "camera_path", "video_codec", "bit_depth", "aovs", "denoise", "max_seconds", "region", "ground_shadow", "outputs", "frame_count", "frames_completed", "frames_failed", "cached", "plan")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[RenderJob.Status]
        PENDING: _ClassVar[RenderJob.Status]
        PROCESSING: _ClassVar[RenderJob.Status]
        COMPLETED: _ClassVar[RenderJob.Status]
        FAILED: _ClassVar[RenderJob.Status]
        CANCELLED: _ClassVar[RenderJob.Status]
        PAUSED: _ClassVar[RenderJob.Status]
    STATUS_UNSPECIFIED: RenderJob.Status
    PENDING: RenderJob.Status
    PROCESSING: RenderJob.Status
    COMPLETED: RenderJob.Status
    FAILED: RenderJob.Status
    CANCELLED: RenderJob.Status
    PAUSED: RenderJob.Status
    class OutputFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTPUT_FORMAT_UNSPECIFIED: _ClassVar[RenderJob.OutputFormat]
        PNG: _ClassVar[RenderJob.OutputFormat]
        JPEG: _ClassVar[RenderJob.OutputFormat]
        WEBP: _ClassVar[RenderJob.OutputFormat]
        EXR: _ClassVar[RenderJob.OutputFormat]
        MP4: _ClassVar[RenderJob.OutputFormat]
        WEBM: _ClassVar[RenderJob.OutputFormat]
        GIF: _ClassVar[RenderJob.OutputFormat]
        ZIP: _ClassVar[RenderJob.OutputFormat]
    OUTPUT_FORMAT_UNSPECIFIED: RenderJob.OutputFormat
    PNG: RenderJob.OutputFormat
    JPEG: RenderJob.OutputFormat
    WEBP: RenderJob.OutputFormat
    EXR: RenderJob.OutputFormat
    MP4: RenderJob.OutputFormat
    WEBM: RenderJob.OutputFormat
    GIF: RenderJob.OutputFormat
    ZIP: RenderJob.OutputFormat
    class VideoCodec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        VIDEO_CODEC_UNSPECIFIED: _ClassVar[RenderJob.VideoCodec]
        AV1: _ClassVar[RenderJob.VideoCodec]
        H264: _ClassVar[RenderJob.VideoCodec]
    VIDEO_CODEC_UNSPECIFIED: RenderJob.VideoCodec
    AV1: RenderJob.VideoCodec
    H264: RenderJob.VideoCodec
    class Aov(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        AOV_UNSPECIFIED: _ClassVar[RenderJob.Aov]
        DEPTH: _ClassVar[RenderJob.Aov]
        NORMAL: _ClassVar[RenderJob.Aov]
        ALBEDO: _ClassVar[RenderJob.Aov]
        OBJECT_ID: _ClassVar[RenderJob.Aov]
        ALPHA: _ClassVar[RenderJob.Aov]
    AOV_UNSPECIFIED: RenderJob.Aov
    DEPTH: RenderJob.Aov
    NORMAL: RenderJob.Aov
    ALBEDO: RenderJob.Aov
    OBJECT_ID: RenderJob.Aov
    ALPHA: RenderJob.Aov
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
    PRESET_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_VARIANT_FIELD_NUMBER: _ClassVar[int]
    ANIMATION_FIELD_NUMBER: _ClassVar[int]
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    TURNTABLE_FIELD_NUMBER: _ClassVar[int]
    ANIMATION_FILM_FIELD_NUMBER: _ClassVar[int]
    CAMERA_PATH_FIELD_NUMBER: _ClassVar[int]
    VIDEO_CODEC_FIELD_NUMBER: _ClassVar[int]
    BIT_DEPTH_FIELD_NUMBER: _ClassVar[int]
    AOVS_FIELD_NUMBER: _ClassVar[int]
    DENOISE_FIELD_NUMBER: _ClassVar[int]
    MAX_SECONDS_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    GROUND_SHADOW_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    FRAMES_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FAILED_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
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
    preset: str
    derivative_id: str
    material_variant: str
    animation: AnimationMoment
    cameras: _containers.RepeatedCompositeFieldContainer[CameraConfig]
    turntable: Turntable
    animation_film: AnimationFilm
    camera_path: CameraPath
    video_codec: RenderJob.VideoCodec
    bit_depth: int
    aovs: _containers.RepeatedScalarFieldContainer[RenderJob.Aov]
    denoise: bool
    max_seconds: float
    region: Region
    ground_shadow: bool
    outputs: _containers.RepeatedCompositeFieldContainer[RenderOutput]
    frame_count: int
    frames_completed: int
    frames_failed: int
    cached: bool
    plan: RenderPlan
    def __init__(self, job_id: _Optional[str] = ..., scene_id: _Optional[str] = ..., asset_id: _Optional[str] = ..., scene_revision: _Optional[int] = ..., camera_config: _Optional[_Union[CameraConfig, _Mapping]] = ..., engine: _Optional[str] = ..., output_format: _Optional[_Union[RenderJob.OutputFormat, str]] = ..., resolution: _Optional[_Union[Resolution, _Mapping]] = ..., samples: _Optional[int] = ..., background: _Optional[_Union[_scenes_pb2.Background, _Mapping]] = ..., environment: _Optional[_Union[_scenes_pb2.Environment, _Mapping]] = ..., tone_mapping: _Optional[_Union[RenderJob.ToneMapping, str]] = ..., exposure: _Optional[float] = ..., priority: _Optional[int] = ..., status: _Optional[_Union[RenderJob.Status, str]] = ..., progress: _Optional[float] = ..., phase: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., output_path: _Optional[str] = ..., output: _Optional[_Union[RenderOutput, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., attempts: _Optional[int] = ..., engine_used: _Optional[str] = ..., losses: _Optional[_Iterable[_Union[_assets_pb2.Loss, _Mapping]]] = ..., etag: _Optional[str] = ..., created_by: _Optional[str] = ..., project: _Optional[str] = ..., preset: _Optional[str] = ..., derivative_id: _Optional[str] = ..., material_variant: _Optional[str] = ..., animation: _Optional[_Union[AnimationMoment, _Mapping]] = ..., cameras: _Optional[_Iterable[_Union[CameraConfig, _Mapping]]] = ..., turntable: _Optional[_Union[Turntable, _Mapping]] = ..., animation_film: _Optional[_Union[AnimationFilm, _Mapping]] = ..., camera_path: _Optional[_Union[CameraPath, _Mapping]] = ..., video_codec: _Optional[_Union[RenderJob.VideoCodec, str]] = ..., bit_depth: _Optional[int] = ..., aovs: _Optional[_Iterable[_Union[RenderJob.Aov, str]]] = ..., denoise: _Optional[bool] = ..., max_seconds: _Optional[float] = ..., region: _Optional[_Union[Region, _Mapping]] = ..., ground_shadow: _Optional[bool] = ..., outputs: _Optional[_Iterable[_Union[RenderOutput, _Mapping]]] = ..., frame_count: _Optional[int] = ..., frames_completed: _Optional[int] = ..., frames_failed: _Optional[int] = ..., cached: _Optional[bool] = ..., plan: _Optional[_Union[RenderPlan, _Mapping]] = ...) -> None: ...

class AnimationMoment(_message.Message):
    __slots__ = ("clip", "seconds")
    CLIP_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    clip: str
    seconds: float
    def __init__(self, clip: _Optional[str] = ..., seconds: _Optional[float] = ...) -> None: ...

class Turntable(_message.Message):
    __slots__ = ("frames", "seconds", "turns", "axis")
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    frames: int
    seconds: float
    turns: float
    axis: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, frames: _Optional[int] = ..., seconds: _Optional[float] = ..., turns: _Optional[float] = ..., axis: _Optional[_Iterable[float]] = ...) -> None: ...

class AnimationFilm(_message.Message):
    __slots__ = ("clip", "fps", "start_s", "end_s")
    CLIP_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    START_S_FIELD_NUMBER: _ClassVar[int]
    END_S_FIELD_NUMBER: _ClassVar[int]
    clip: str
    fps: float
    start_s: float
    end_s: float
    def __init__(self, clip: _Optional[str] = ..., fps: _Optional[float] = ..., start_s: _Optional[float] = ..., end_s: _Optional[float] = ...) -> None: ...

class CameraPath(_message.Message):
    __slots__ = ("keyframes", "fps")
    class Keyframe(_message.Message):
        __slots__ = ("seconds", "look_at")
        SECONDS_FIELD_NUMBER: _ClassVar[int]
        LOOK_AT_FIELD_NUMBER: _ClassVar[int]
        seconds: float
        look_at: CameraConfig.LookAt
        def __init__(self, seconds: _Optional[float] = ..., look_at: _Optional[_Union[CameraConfig.LookAt, _Mapping]] = ...) -> None: ...
    KEYFRAMES_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    keyframes: _containers.RepeatedCompositeFieldContainer[CameraPath.Keyframe]
    fps: float
    def __init__(self, keyframes: _Optional[_Iterable[_Union[CameraPath.Keyframe, _Mapping]]] = ..., fps: _Optional[float] = ...) -> None: ...

class Region(_message.Message):
    __slots__ = ("x", "y", "width", "height")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    width: int
    height: int
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class RenderPlan(_message.Message):
    __slots__ = ("engine", "frame_count", "seconds", "memory_bytes", "cached")
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    engine: str
    frame_count: int
    seconds: float
    memory_bytes: int
    cached: bool
    def __init__(self, engine: _Optional[str] = ..., frame_count: _Optional[int] = ..., seconds: _Optional[float] = ..., memory_bytes: _Optional[int] = ..., cached: _Optional[bool] = ...) -> None: ...

class CameraConfig(_message.Message):
    __slots__ = ("scene_camera", "look_at", "auto_frame", "orthographic")
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
    class Orthographic(_message.Message):
        __slots__ = ("eye", "target", "up", "ymag")
        EYE_FIELD_NUMBER: _ClassVar[int]
        TARGET_FIELD_NUMBER: _ClassVar[int]
        UP_FIELD_NUMBER: _ClassVar[int]
        YMAG_FIELD_NUMBER: _ClassVar[int]
        eye: _containers.RepeatedScalarFieldContainer[float]
        target: _containers.RepeatedScalarFieldContainer[float]
        up: _containers.RepeatedScalarFieldContainer[float]
        ymag: float
        def __init__(self, eye: _Optional[_Iterable[float]] = ..., target: _Optional[_Iterable[float]] = ..., up: _Optional[_Iterable[float]] = ..., ymag: _Optional[float] = ...) -> None: ...
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
    ORTHOGRAPHIC_FIELD_NUMBER: _ClassVar[int]
    scene_camera: str
    look_at: CameraConfig.LookAt
    auto_frame: CameraConfig.AutoFrame
    orthographic: CameraConfig.Orthographic
    def __init__(self, scene_camera: _Optional[str] = ..., look_at: _Optional[_Union[CameraConfig.LookAt, _Mapping]] = ..., auto_frame: _Optional[_Union[CameraConfig.AutoFrame, _Mapping]] = ..., orthographic: _Optional[_Union[CameraConfig.Orthographic, _Mapping]] = ...) -> None: ...

class Resolution(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class RenderOutput(_message.Message):
    __slots__ = ("media_type", "size_bytes", "sha256", "width_px", "height_px", "name", "camera", "aov", "frame_count", "seconds", "video_codec", "objects")
    class Object(_message.Message):
        __slots__ = ("node", "color")
        NODE_FIELD_NUMBER: _ClassVar[int]
        COLOR_FIELD_NUMBER: _ClassVar[int]
        node: str
        color: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, node: _Optional[str] = ..., color: _Optional[_Iterable[int]] = ...) -> None: ...
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    AOV_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    VIDEO_CODEC_FIELD_NUMBER: _ClassVar[int]
    OBJECTS_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    size_bytes: int
    sha256: str
    width_px: int
    height_px: int
    name: str
    camera: int
    aov: RenderJob.Aov
    frame_count: int
    seconds: float
    video_codec: RenderJob.VideoCodec
    objects: _containers.RepeatedCompositeFieldContainer[RenderOutput.Object]
    def __init__(self, media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., name: _Optional[str] = ..., camera: _Optional[int] = ..., aov: _Optional[_Union[RenderJob.Aov, str]] = ..., frame_count: _Optional[int] = ..., seconds: _Optional[float] = ..., video_codec: _Optional[_Union[RenderJob.VideoCodec, str]] = ..., objects: _Optional[_Iterable[_Union[RenderOutput.Object, _Mapping]]] = ...) -> None: ...

class RenderFrame(_message.Message):
    __slots__ = ("frame", "status", "seconds", "camera", "attempts", "engine_used", "render_s", "samples", "error")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_USED_FIELD_NUMBER: _ClassVar[int]
    RENDER_S_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    frame: int
    status: RenderJob.Status
    seconds: float
    camera: int
    attempts: int
    engine_used: str
    render_s: float
    samples: int
    error: _status_pb2.Status
    def __init__(self, frame: _Optional[int] = ..., status: _Optional[_Union[RenderJob.Status, str]] = ..., seconds: _Optional[float] = ..., camera: _Optional[int] = ..., attempts: _Optional[int] = ..., engine_used: _Optional[str] = ..., render_s: _Optional[float] = ..., samples: _Optional[int] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class CreateRenderJobRequest(_message.Message):
    __slots__ = ("render_job", "request_id", "validate_only", "no_cache")
    RENDER_JOB_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    NO_CACHE_FIELD_NUMBER: _ClassVar[int]
    render_job: RenderJob
    request_id: str
    validate_only: bool
    no_cache: bool
    def __init__(self, render_job: _Optional[_Union[RenderJob, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., no_cache: _Optional[bool] = ...) -> None: ...

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

class PauseRenderJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ResumeRenderJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ListRenderFramesRequest(_message.Message):
    __slots__ = ("job_id", "page_size", "page_token", "filter")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    page_size: int
    page_token: str
    filter: str
    def __init__(self, job_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListRenderFramesResponse(_message.Message):
    __slots__ = ("frames", "next_page_token")
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[RenderFrame]
    next_page_token: str
    def __init__(self, frames: _Optional[_Iterable[_Union[RenderFrame, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchRenderJobRequest(_message.Message):
    __slots__ = ("job_id", "previews", "resume_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    previews: bool
    resume_token: str
    def __init__(self, job_id: _Optional[str] = ..., previews: _Optional[bool] = ..., resume_token: _Optional[str] = ...) -> None: ...

class WatchRenderJobResponse(_message.Message):
    __slots__ = ("render_job", "sequence", "resume_token", "eta_s", "samples_done", "samples", "preview")
    class Preview(_message.Message):
        __slots__ = ("image", "media_type", "width_px", "height_px", "frame", "samples_done", "samples")
        IMAGE_FIELD_NUMBER: _ClassVar[int]
        MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
        WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
        HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
        FRAME_FIELD_NUMBER: _ClassVar[int]
        SAMPLES_DONE_FIELD_NUMBER: _ClassVar[int]
        SAMPLES_FIELD_NUMBER: _ClassVar[int]
        image: bytes
        media_type: str
        width_px: int
        height_px: int
        frame: int
        samples_done: int
        samples: int
        def __init__(self, image: _Optional[bytes] = ..., media_type: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., frame: _Optional[int] = ..., samples_done: _Optional[int] = ..., samples: _Optional[int] = ...) -> None: ...
    RENDER_JOB_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ETA_S_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_DONE_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    render_job: RenderJob
    sequence: int
    resume_token: str
    eta_s: float
    samples_done: int
    samples: int
    preview: WatchRenderJobResponse.Preview
    def __init__(self, render_job: _Optional[_Union[RenderJob, _Mapping]] = ..., sequence: _Optional[int] = ..., resume_token: _Optional[str] = ..., eta_s: _Optional[float] = ..., samples_done: _Optional[int] = ..., samples: _Optional[int] = ..., preview: _Optional[_Union[WatchRenderJobResponse.Preview, _Mapping]] = ...) -> None: ...

class GetRenderJobDownloadUrlRequest(_message.Message):
    __slots__ = ("job_id", "output")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    output: str
    def __init__(self, job_id: _Optional[str] = ..., output: _Optional[str] = ...) -> None: ...

class DeleteRenderJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...
