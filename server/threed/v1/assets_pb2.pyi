import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import client_pb2 as _client_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import field_info_pb2 as _field_info_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from threed.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Asset(_message.Message):
    __slots__ = ("asset_id", "display_name", "asset_type", "file_format", "storage_path", "upload_timestamp", "size_bytes", "sha256", "status", "error", "metadata", "tags", "model", "picture", "validation", "losses", "files", "etag", "created_by", "project", "update_time", "delete_time", "purge_time", "filename", "import_options")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[Asset.Type]
        MODEL: _ClassVar[Asset.Type]
        TEXTURE: _ClassVar[Asset.Type]
        ENVIRONMENT: _ClassVar[Asset.Type]
        OTHER: _ClassVar[Asset.Type]
    TYPE_UNSPECIFIED: Asset.Type
    MODEL: Asset.Type
    TEXTURE: Asset.Type
    ENVIRONMENT: Asset.Type
    OTHER: Asset.Type
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Asset.Status]
        UPLOADED: _ClassVar[Asset.Status]
        PROCESSING: _ClassVar[Asset.Status]
        VALIDATED: _ClassVar[Asset.Status]
        FAILED: _ClassVar[Asset.Status]
    STATUS_UNSPECIFIED: Asset.Status
    UPLOADED: Asset.Status
    PROCESSING: Asset.Status
    VALIDATED: Asset.Status
    FAILED: Asset.Status
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ASSET_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    STORAGE_PATH_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    IMPORT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    display_name: str
    asset_type: Asset.Type
    file_format: str
    storage_path: str
    upload_timestamp: _timestamp_pb2.Timestamp
    size_bytes: int
    sha256: str
    status: Asset.Status
    error: _status_pb2.Status
    metadata: _struct_pb2.Struct
    tags: _containers.RepeatedScalarFieldContainer[str]
    model: Model
    picture: Picture
    validation: Validation
    losses: _containers.RepeatedCompositeFieldContainer[Loss]
    files: _containers.RepeatedCompositeFieldContainer[AssetFile]
    etag: str
    created_by: str
    project: str
    update_time: _timestamp_pb2.Timestamp
    delete_time: _timestamp_pb2.Timestamp
    purge_time: _timestamp_pb2.Timestamp
    filename: str
    import_options: ImportOptions
    def __init__(self, asset_id: _Optional[str] = ..., display_name: _Optional[str] = ..., asset_type: _Optional[_Union[Asset.Type, str]] = ..., file_format: _Optional[str] = ..., storage_path: _Optional[str] = ..., upload_timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., status: _Optional[_Union[Asset.Status, str]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., tags: _Optional[_Iterable[str]] = ..., model: _Optional[_Union[Model, _Mapping]] = ..., picture: _Optional[_Union[Picture, _Mapping]] = ..., validation: _Optional[_Union[Validation, _Mapping]] = ..., losses: _Optional[_Iterable[_Union[Loss, _Mapping]]] = ..., files: _Optional[_Iterable[_Union[AssetFile, _Mapping]]] = ..., etag: _Optional[str] = ..., created_by: _Optional[str] = ..., project: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., filename: _Optional[str] = ..., import_options: _Optional[_Union[ImportOptions, _Mapping]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("vertex_count", "triangle_count", "drawn_vertex_count", "drawn_triangle_count", "bounding_box", "node_count", "mesh_count", "primitive_count", "material_count", "texture_count", "image_count", "animation_count", "skin_count", "camera_count", "light_count", "scene_count", "morph_target_count", "joint_count", "variant_count", "uv_set_count", "has_vertex_colors", "has_normals", "has_tangents", "extensions_used", "extensions_required", "animation_names", "animation_duration_s", "generator", "copyright", "accessor_bytes", "image_bytes", "image_pixel_count", "largest_image_pixel_count", "largest_primitive_vertex_count", "animations", "variant_names")
    class Animation(_message.Message):
        __slots__ = ("name", "duration_s")
        NAME_FIELD_NUMBER: _ClassVar[int]
        DURATION_S_FIELD_NUMBER: _ClassVar[int]
        name: str
        duration_s: float
        def __init__(self, name: _Optional[str] = ..., duration_s: _Optional[float] = ...) -> None: ...
    VERTEX_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRIANGLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DRAWN_VERTEX_COUNT_FIELD_NUMBER: _ClassVar[int]
    DRAWN_TRIANGLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    BOUNDING_BOX_FIELD_NUMBER: _ClassVar[int]
    NODE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MESH_COUNT_FIELD_NUMBER: _ClassVar[int]
    PRIMITIVE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MATERIAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    TEXTURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ANIMATION_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    CAMERA_COUNT_FIELD_NUMBER: _ClassVar[int]
    LIGHT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SCENE_COUNT_FIELD_NUMBER: _ClassVar[int]
    MORPH_TARGET_COUNT_FIELD_NUMBER: _ClassVar[int]
    JOINT_COUNT_FIELD_NUMBER: _ClassVar[int]
    VARIANT_COUNT_FIELD_NUMBER: _ClassVar[int]
    UV_SET_COUNT_FIELD_NUMBER: _ClassVar[int]
    HAS_VERTEX_COLORS_FIELD_NUMBER: _ClassVar[int]
    HAS_NORMALS_FIELD_NUMBER: _ClassVar[int]
    HAS_TANGENTS_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_USED_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    ANIMATION_NAMES_FIELD_NUMBER: _ClassVar[int]
    ANIMATION_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    GENERATOR_FIELD_NUMBER: _ClassVar[int]
    COPYRIGHT_FIELD_NUMBER: _ClassVar[int]
    ACCESSOR_BYTES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_PIXEL_COUNT_FIELD_NUMBER: _ClassVar[int]
    LARGEST_IMAGE_PIXEL_COUNT_FIELD_NUMBER: _ClassVar[int]
    LARGEST_PRIMITIVE_VERTEX_COUNT_FIELD_NUMBER: _ClassVar[int]
    ANIMATIONS_FIELD_NUMBER: _ClassVar[int]
    VARIANT_NAMES_FIELD_NUMBER: _ClassVar[int]
    vertex_count: int
    triangle_count: int
    drawn_vertex_count: int
    drawn_triangle_count: int
    bounding_box: BoundingBox
    node_count: int
    mesh_count: int
    primitive_count: int
    material_count: int
    texture_count: int
    image_count: int
    animation_count: int
    skin_count: int
    camera_count: int
    light_count: int
    scene_count: int
    morph_target_count: int
    joint_count: int
    variant_count: int
    uv_set_count: int
    has_vertex_colors: bool
    has_normals: bool
    has_tangents: bool
    extensions_used: _containers.RepeatedScalarFieldContainer[str]
    extensions_required: _containers.RepeatedScalarFieldContainer[str]
    animation_names: _containers.RepeatedScalarFieldContainer[str]
    animation_duration_s: float
    generator: str
    copyright: str
    accessor_bytes: int
    image_bytes: int
    image_pixel_count: int
    largest_image_pixel_count: int
    largest_primitive_vertex_count: int
    animations: _containers.RepeatedCompositeFieldContainer[Model.Animation]
    variant_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, vertex_count: _Optional[int] = ..., triangle_count: _Optional[int] = ..., drawn_vertex_count: _Optional[int] = ..., drawn_triangle_count: _Optional[int] = ..., bounding_box: _Optional[_Union[BoundingBox, _Mapping]] = ..., node_count: _Optional[int] = ..., mesh_count: _Optional[int] = ..., primitive_count: _Optional[int] = ..., material_count: _Optional[int] = ..., texture_count: _Optional[int] = ..., image_count: _Optional[int] = ..., animation_count: _Optional[int] = ..., skin_count: _Optional[int] = ..., camera_count: _Optional[int] = ..., light_count: _Optional[int] = ..., scene_count: _Optional[int] = ..., morph_target_count: _Optional[int] = ..., joint_count: _Optional[int] = ..., variant_count: _Optional[int] = ..., uv_set_count: _Optional[int] = ..., has_vertex_colors: _Optional[bool] = ..., has_normals: _Optional[bool] = ..., has_tangents: _Optional[bool] = ..., extensions_used: _Optional[_Iterable[str]] = ..., extensions_required: _Optional[_Iterable[str]] = ..., animation_names: _Optional[_Iterable[str]] = ..., animation_duration_s: _Optional[float] = ..., generator: _Optional[str] = ..., copyright: _Optional[str] = ..., accessor_bytes: _Optional[int] = ..., image_bytes: _Optional[int] = ..., image_pixel_count: _Optional[int] = ..., largest_image_pixel_count: _Optional[int] = ..., largest_primitive_vertex_count: _Optional[int] = ..., animations: _Optional[_Iterable[_Union[Model.Animation, _Mapping]]] = ..., variant_names: _Optional[_Iterable[str]] = ...) -> None: ...

class BoundingBox(_message.Message):
    __slots__ = ("min", "max")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    min: _containers.RepeatedScalarFieldContainer[float]
    max: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, min: _Optional[_Iterable[float]] = ..., max: _Optional[_Iterable[float]] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("width_px", "height_px", "channel_count", "bit_depth")
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_COUNT_FIELD_NUMBER: _ClassVar[int]
    BIT_DEPTH_FIELD_NUMBER: _ClassVar[int]
    width_px: int
    height_px: int
    channel_count: int
    bit_depth: int
    def __init__(self, width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., channel_count: _Optional[int] = ..., bit_depth: _Optional[int] = ...) -> None: ...

class Validation(_message.Message):
    __slots__ = ("validator", "validator_version", "error_count", "warning_count", "info_count", "hint_count", "issues", "truncated")
    VALIDATOR_FIELD_NUMBER: _ClassVar[int]
    VALIDATOR_VERSION_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    WARNING_COUNT_FIELD_NUMBER: _ClassVar[int]
    INFO_COUNT_FIELD_NUMBER: _ClassVar[int]
    HINT_COUNT_FIELD_NUMBER: _ClassVar[int]
    ISSUES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    validator: str
    validator_version: str
    error_count: int
    warning_count: int
    info_count: int
    hint_count: int
    issues: _containers.RepeatedCompositeFieldContainer[ValidationIssue]
    truncated: bool
    def __init__(self, validator: _Optional[str] = ..., validator_version: _Optional[str] = ..., error_count: _Optional[int] = ..., warning_count: _Optional[int] = ..., info_count: _Optional[int] = ..., hint_count: _Optional[int] = ..., issues: _Optional[_Iterable[_Union[ValidationIssue, _Mapping]]] = ..., truncated: _Optional[bool] = ...) -> None: ...

class ValidationIssue(_message.Message):
    __slots__ = ("code", "severity", "pointer", "message")
    class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SEVERITY_UNSPECIFIED: _ClassVar[ValidationIssue.Severity]
        ERROR: _ClassVar[ValidationIssue.Severity]
        WARNING: _ClassVar[ValidationIssue.Severity]
        INFO: _ClassVar[ValidationIssue.Severity]
        HINT: _ClassVar[ValidationIssue.Severity]
    SEVERITY_UNSPECIFIED: ValidationIssue.Severity
    ERROR: ValidationIssue.Severity
    WARNING: ValidationIssue.Severity
    INFO: ValidationIssue.Severity
    HINT: ValidationIssue.Severity
    CODE_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    POINTER_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    severity: ValidationIssue.Severity
    pointer: str
    message: str
    def __init__(self, code: _Optional[str] = ..., severity: _Optional[_Union[ValidationIssue.Severity, str]] = ..., pointer: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ImportOptions(_message.Message):
    __slots__ = ("strictness", "target_profile", "unit_m", "up_axis")
    class Strictness(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STRICTNESS_UNSPECIFIED: _ClassVar[ImportOptions.Strictness]
        REPORT: _ClassVar[ImportOptions.Strictness]
        STRICT: _ClassVar[ImportOptions.Strictness]
    STRICTNESS_UNSPECIFIED: ImportOptions.Strictness
    REPORT: ImportOptions.Strictness
    STRICT: ImportOptions.Strictness
    class UpAxis(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UP_AXIS_UNSPECIFIED: _ClassVar[ImportOptions.UpAxis]
        X: _ClassVar[ImportOptions.UpAxis]
        Y: _ClassVar[ImportOptions.UpAxis]
        Z: _ClassVar[ImportOptions.UpAxis]
    UP_AXIS_UNSPECIFIED: ImportOptions.UpAxis
    X: ImportOptions.UpAxis
    Y: ImportOptions.UpAxis
    Z: ImportOptions.UpAxis
    STRICTNESS_FIELD_NUMBER: _ClassVar[int]
    TARGET_PROFILE_FIELD_NUMBER: _ClassVar[int]
    UNIT_M_FIELD_NUMBER: _ClassVar[int]
    UP_AXIS_FIELD_NUMBER: _ClassVar[int]
    strictness: ImportOptions.Strictness
    target_profile: str
    unit_m: float
    up_axis: ImportOptions.UpAxis
    def __init__(self, strictness: _Optional[_Union[ImportOptions.Strictness, str]] = ..., target_profile: _Optional[str] = ..., unit_m: _Optional[float] = ..., up_axis: _Optional[_Union[ImportOptions.UpAxis, str]] = ...) -> None: ...

class Loss(_message.Message):
    __slots__ = ("feature", "count", "reason")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    feature: str
    count: int
    reason: str
    def __init__(self, feature: _Optional[str] = ..., count: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class AssetFile(_message.Message):
    __slots__ = ("kind", "media_type", "size_bytes", "sha256", "long_edge_px")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[AssetFile.Kind]
        ORIGINAL: _ClassVar[AssetFile.Kind]
        NORMALIZED: _ClassVar[AssetFile.Kind]
        THUMBNAIL: _ClassVar[AssetFile.Kind]
        RENDER_COPY: _ClassVar[AssetFile.Kind]
        LIGHT: _ClassVar[AssetFile.Kind]
    KIND_UNSPECIFIED: AssetFile.Kind
    ORIGINAL: AssetFile.Kind
    NORMALIZED: AssetFile.Kind
    THUMBNAIL: AssetFile.Kind
    RENDER_COPY: AssetFile.Kind
    LIGHT: AssetFile.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    LONG_EDGE_PX_FIELD_NUMBER: _ClassVar[int]
    kind: AssetFile.Kind
    media_type: str
    size_bytes: int
    sha256: str
    long_edge_px: int
    def __init__(self, kind: _Optional[_Union[AssetFile.Kind, str]] = ..., media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., long_edge_px: _Optional[int] = ...) -> None: ...

class DownloadUrl(_message.Message):
    __slots__ = ("url", "expire_time", "media_type", "size_bytes", "sha256")
    URL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    url: str
    expire_time: _timestamp_pb2.Timestamp
    media_type: str
    size_bytes: int
    sha256: str
    def __init__(self, url: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., media_type: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...

class UploadAssetRequest(_message.Message):
    __slots__ = ("filename", "media", "size_bytes", "sha256", "display_name", "tags", "request_id", "import_options")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    IMPORT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    filename: str
    media: _httpbody_pb2.HttpBody
    size_bytes: int
    sha256: str
    display_name: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    import_options: ImportOptions
    def __init__(self, filename: _Optional[str] = ..., media: _Optional[_Union[_httpbody_pb2.HttpBody, _Mapping]] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ..., display_name: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., import_options: _Optional[_Union[ImportOptions, _Mapping]] = ...) -> None: ...

class GetAssetRequest(_message.Message):
    __slots__ = ("asset_id",)
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    def __init__(self, asset_id: _Optional[str] = ...) -> None: ...

class ListAssetsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by", "show_deleted")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    show_deleted: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., show_deleted: _Optional[bool] = ...) -> None: ...

class ListAssetsResponse(_message.Message):
    __slots__ = ("assets", "next_page_token")
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    assets: _containers.RepeatedCompositeFieldContainer[Asset]
    next_page_token: str
    def __init__(self, assets: _Optional[_Iterable[_Union[Asset, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateAssetRequest(_message.Message):
    __slots__ = ("asset", "update_mask")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    asset: Asset
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, asset: _Optional[_Union[Asset, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class DeleteAssetRequest(_message.Message):
    __slots__ = ("asset_id", "etag", "purge", "force")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    PURGE_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    etag: str
    purge: bool
    force: bool
    def __init__(self, asset_id: _Optional[str] = ..., etag: _Optional[str] = ..., purge: _Optional[bool] = ..., force: _Optional[bool] = ...) -> None: ...

class UndeleteAssetRequest(_message.Message):
    __slots__ = ("asset_id",)
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    def __init__(self, asset_id: _Optional[str] = ...) -> None: ...

class WatchAssetRequest(_message.Message):
    __slots__ = ("asset_id",)
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    def __init__(self, asset_id: _Optional[str] = ...) -> None: ...

class WatchAssetResponse(_message.Message):
    __slots__ = ("asset", "sequence", "phase", "progress")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    asset: Asset
    sequence: int
    phase: str
    progress: float
    def __init__(self, asset: _Optional[_Union[Asset, _Mapping]] = ..., sequence: _Optional[int] = ..., phase: _Optional[str] = ..., progress: _Optional[float] = ...) -> None: ...

class GetAssetDownloadUrlRequest(_message.Message):
    __slots__ = ("asset_id", "kind", "long_edge_px", "media_type")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LONG_EDGE_PX_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    asset_id: str
    kind: AssetFile.Kind
    long_edge_px: int
    media_type: str
    def __init__(self, asset_id: _Optional[str] = ..., kind: _Optional[_Union[AssetFile.Kind, str]] = ..., long_edge_px: _Optional[int] = ..., media_type: _Optional[str] = ...) -> None: ...
