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
from threed.v1 import recipes_pb2 as _recipes_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Derivative(_message.Message):
    __slots__ = ("derivative_id", "asset_id", "recipe", "preset", "priority", "status", "progress", "phase", "created_at", "started_at", "completed_at", "error", "attempts", "files", "loss_report", "validation", "provenance", "cached", "etag", "created_by", "project", "visual_proof", "recipe_id", "recipe_revision", "plan")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Derivative.Status]
        PENDING: _ClassVar[Derivative.Status]
        PROCESSING: _ClassVar[Derivative.Status]
        COMPLETED: _ClassVar[Derivative.Status]
        FAILED: _ClassVar[Derivative.Status]
        CANCELLED: _ClassVar[Derivative.Status]
    STATUS_UNSPECIFIED: Derivative.Status
    PENDING: Derivative.Status
    PROCESSING: Derivative.Status
    COMPLETED: Derivative.Status
    FAILED: Derivative.Status
    CANCELLED: Derivative.Status
    DERIVATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    LOSS_REPORT_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    VISUAL_PROOF_FIELD_NUMBER: _ClassVar[int]
    RECIPE_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPE_REVISION_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    derivative_id: str
    asset_id: str
    recipe: _recipes_pb2.Recipe
    preset: str
    priority: int
    status: Derivative.Status
    progress: float
    phase: str
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    error: _status_pb2.Status
    attempts: int
    files: _containers.RepeatedCompositeFieldContainer[DerivativeFile]
    loss_report: LossReport
    validation: _assets_pb2.Validation
    provenance: Provenance
    cached: bool
    etag: str
    created_by: str
    project: str
    visual_proof: VisualProof
    recipe_id: str
    recipe_revision: int
    plan: DerivativePlan
    def __init__(self, derivative_id: _Optional[str] = ..., asset_id: _Optional[str] = ..., recipe: _Optional[_Union[_recipes_pb2.Recipe, _Mapping]] = ..., preset: _Optional[str] = ..., priority: _Optional[int] = ..., status: _Optional[_Union[Derivative.Status, str]] = ..., progress: _Optional[float] = ..., phase: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., attempts: _Optional[int] = ..., files: _Optional[_Iterable[_Union[DerivativeFile, _Mapping]]] = ..., loss_report: _Optional[_Union[LossReport, _Mapping]] = ..., validation: _Optional[_Union[_assets_pb2.Validation, _Mapping]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., cached: _Optional[bool] = ..., etag: _Optional[str] = ..., created_by: _Optional[str] = ..., project: _Optional[str] = ..., visual_proof: _Optional[_Union[VisualProof, _Mapping]] = ..., recipe_id: _Optional[str] = ..., recipe_revision: _Optional[int] = ..., plan: _Optional[_Union[DerivativePlan, _Mapping]] = ...) -> None: ...

class DerivativePlan(_message.Message):
    __slots__ = ("steps", "memory_bytes", "memory_limit_bytes", "seconds", "cached")
    class Step(_message.Message):
        __slots__ = ("name", "memory_bytes", "seconds")
        NAME_FIELD_NUMBER: _ClassVar[int]
        MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
        SECONDS_FIELD_NUMBER: _ClassVar[int]
        name: str
        memory_bytes: int
        seconds: float
        def __init__(self, name: _Optional[str] = ..., memory_bytes: _Optional[int] = ..., seconds: _Optional[float] = ...) -> None: ...
    STEPS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[DerivativePlan.Step]
    memory_bytes: int
    memory_limit_bytes: int
    seconds: float
    cached: bool
    def __init__(self, steps: _Optional[_Iterable[_Union[DerivativePlan.Step, _Mapping]]] = ..., memory_bytes: _Optional[int] = ..., memory_limit_bytes: _Optional[int] = ..., seconds: _Optional[float] = ..., cached: _Optional[bool] = ...) -> None: ...

class VisualProof(_message.Message):
    __slots__ = ("views", "min_ssim", "mean_distance_m", "max_distance_m", "max_distance", "engine", "loosened", "picture")
    class View(_message.Message):
        __slots__ = ("yaw", "pitch", "ssim", "psnr_db")
        YAW_FIELD_NUMBER: _ClassVar[int]
        PITCH_FIELD_NUMBER: _ClassVar[int]
        SSIM_FIELD_NUMBER: _ClassVar[int]
        PSNR_DB_FIELD_NUMBER: _ClassVar[int]
        yaw: float
        pitch: float
        ssim: float
        psnr_db: float
        def __init__(self, yaw: _Optional[float] = ..., pitch: _Optional[float] = ..., ssim: _Optional[float] = ..., psnr_db: _Optional[float] = ...) -> None: ...
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    MIN_SSIM_FIELD_NUMBER: _ClassVar[int]
    MEAN_DISTANCE_M_FIELD_NUMBER: _ClassVar[int]
    MAX_DISTANCE_M_FIELD_NUMBER: _ClassVar[int]
    MAX_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    LOOSENED_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    views: _containers.RepeatedCompositeFieldContainer[VisualProof.View]
    min_ssim: float
    mean_distance_m: float
    max_distance_m: float
    max_distance: float
    engine: str
    loosened: int
    picture: DerivativeFile
    def __init__(self, views: _Optional[_Iterable[_Union[VisualProof.View, _Mapping]]] = ..., min_ssim: _Optional[float] = ..., mean_distance_m: _Optional[float] = ..., max_distance_m: _Optional[float] = ..., max_distance: _Optional[float] = ..., engine: _Optional[str] = ..., loosened: _Optional[int] = ..., picture: _Optional[_Union[DerivativeFile, _Mapping]] = ...) -> None: ...

class DerivativeFile(_message.Message):
    __slots__ = ("format", "media_type", "size_bytes", "sha256", "losses", "lod_level", "triangle_count")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    LOD_LEVEL_FIELD_NUMBER: _ClassVar[int]
    TRIANGLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    format: _recipes_pb2.ExportFormat
    media_type: str
    size_bytes: int
    sha256: str
    losses: _containers.RepeatedCompositeFieldContainer[_assets_pb2.Loss]
    lod_level: int
    triangle_count: int
    def __init__(self, format: _Optional[_Union[_recipes_pb2.ExportFormat, str]] = ..., media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., losses: _Optional[_Iterable[_Union[_assets_pb2.Loss, _Mapping]]] = ..., lod_level: _Optional[int] = ..., triangle_count: _Optional[int] = ...) -> None: ...

class LossReport(_message.Message):
    __slots__ = ("before", "after", "differences", "issues")
    class Difference(_message.Message):
        __slots__ = ("feature", "before", "after", "severity", "reason")
        class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            SEVERITY_UNSPECIFIED: _ClassVar[LossReport.Difference.Severity]
            INFO: _ClassVar[LossReport.Difference.Severity]
            WARNING: _ClassVar[LossReport.Difference.Severity]
            ERROR: _ClassVar[LossReport.Difference.Severity]
        SEVERITY_UNSPECIFIED: LossReport.Difference.Severity
        INFO: LossReport.Difference.Severity
        WARNING: LossReport.Difference.Severity
        ERROR: LossReport.Difference.Severity
        FEATURE_FIELD_NUMBER: _ClassVar[int]
        BEFORE_FIELD_NUMBER: _ClassVar[int]
        AFTER_FIELD_NUMBER: _ClassVar[int]
        SEVERITY_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        feature: str
        before: int
        after: int
        severity: LossReport.Difference.Severity
        reason: str
        def __init__(self, feature: _Optional[str] = ..., before: _Optional[int] = ..., after: _Optional[int] = ..., severity: _Optional[_Union[LossReport.Difference.Severity, str]] = ..., reason: _Optional[str] = ...) -> None: ...
    class BeforeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class AfterEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    ISSUES_FIELD_NUMBER: _ClassVar[int]
    before: _containers.ScalarMap[str, int]
    after: _containers.ScalarMap[str, int]
    differences: _containers.RepeatedCompositeFieldContainer[LossReport.Difference]
    issues: _containers.RepeatedCompositeFieldContainer[_assets_pb2.ValidationIssue]
    def __init__(self, before: _Optional[_Mapping[str, int]] = ..., after: _Optional[_Mapping[str, int]] = ..., differences: _Optional[_Iterable[_Union[LossReport.Difference, _Mapping]]] = ..., issues: _Optional[_Iterable[_Union[_assets_pb2.ValidationIssue, _Mapping]]] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("source_sha256", "recipe_sha256", "tools", "carried_out")
    class Tool(_message.Message):
        __slots__ = ("name", "version")
        NAME_FIELD_NUMBER: _ClassVar[int]
        VERSION_FIELD_NUMBER: _ClassVar[int]
        name: str
        version: str
        def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...
    SOURCE_SHA256_FIELD_NUMBER: _ClassVar[int]
    RECIPE_SHA256_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    CARRIED_OUT_FIELD_NUMBER: _ClassVar[int]
    source_sha256: str
    recipe_sha256: str
    tools: _containers.RepeatedCompositeFieldContainer[Provenance.Tool]
    carried_out: _recipes_pb2.Recipe
    def __init__(self, source_sha256: _Optional[str] = ..., recipe_sha256: _Optional[str] = ..., tools: _Optional[_Iterable[_Union[Provenance.Tool, _Mapping]]] = ..., carried_out: _Optional[_Union[_recipes_pb2.Recipe, _Mapping]] = ...) -> None: ...

class CreateDerivativeRequest(_message.Message):
    __slots__ = ("asset_id", "derivative", "request_id", "validate_only", "no_cache")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    NO_CACHE_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    derivative: Derivative
    request_id: str
    validate_only: bool
    no_cache: bool
    def __init__(self, asset_id: _Optional[str] = ..., derivative: _Optional[_Union[Derivative, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., no_cache: _Optional[bool] = ...) -> None: ...

class GetDerivativeRequest(_message.Message):
    __slots__ = ("asset_id", "derivative_id")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    derivative_id: str
    def __init__(self, asset_id: _Optional[str] = ..., derivative_id: _Optional[str] = ...) -> None: ...

class ListDerivativesRequest(_message.Message):
    __slots__ = ("asset_id", "page_size", "page_token", "filter", "order_by")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    page_size: int
    page_token: str
    filter: str
    order_by: str
    def __init__(self, asset_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...

class ListDerivativesResponse(_message.Message):
    __slots__ = ("derivatives", "next_page_token")
    DERIVATIVES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    derivatives: _containers.RepeatedCompositeFieldContainer[Derivative]
    next_page_token: str
    def __init__(self, derivatives: _Optional[_Iterable[_Union[Derivative, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelDerivativeRequest(_message.Message):
    __slots__ = ("asset_id", "derivative_id")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    derivative_id: str
    def __init__(self, asset_id: _Optional[str] = ..., derivative_id: _Optional[str] = ...) -> None: ...

class RetryDerivativeRequest(_message.Message):
    __slots__ = ("asset_id", "derivative_id")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    derivative_id: str
    def __init__(self, asset_id: _Optional[str] = ..., derivative_id: _Optional[str] = ...) -> None: ...

class WatchDerivativeRequest(_message.Message):
    __slots__ = ("asset_id", "derivative_id")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    derivative_id: str
    def __init__(self, asset_id: _Optional[str] = ..., derivative_id: _Optional[str] = ...) -> None: ...

class WatchDerivativeResponse(_message.Message):
    __slots__ = ("derivative", "sequence")
    DERIVATIVE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    derivative: Derivative
    sequence: int
    def __init__(self, derivative: _Optional[_Union[Derivative, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...

class GetDerivativeDownloadUrlRequest(_message.Message):
    __slots__ = ("asset_id", "derivative_id", "format", "proof", "lod_level")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    LOD_LEVEL_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    derivative_id: str
    format: _recipes_pb2.ExportFormat
    proof: bool
    lod_level: int
    def __init__(self, asset_id: _Optional[str] = ..., derivative_id: _Optional[str] = ..., format: _Optional[_Union[_recipes_pb2.ExportFormat, str]] = ..., proof: _Optional[bool] = ..., lod_level: _Optional[int] = ...) -> None: ...

class DeleteDerivativeRequest(_message.Message):
    __slots__ = ("asset_id", "derivative_id")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    derivative_id: str
    def __init__(self, asset_id: _Optional[str] = ..., derivative_id: _Optional[str] = ...) -> None: ...
