import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import client_pb2 as _client_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import field_info_pb2 as _field_info_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from threed.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Scene(_message.Message):
    __slots__ = ("scene_id", "display_name", "nodes", "environment", "background", "etag", "revision", "created_at", "update_time", "delete_time", "purge_time", "created_by", "project", "tags")
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    scene_id: str
    display_name: str
    nodes: _containers.RepeatedCompositeFieldContainer[SceneNode]
    environment: Environment
    background: Background
    etag: str
    revision: int
    created_at: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    delete_time: _timestamp_pb2.Timestamp
    purge_time: _timestamp_pb2.Timestamp
    created_by: str
    project: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, scene_id: _Optional[str] = ..., display_name: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[SceneNode, _Mapping]]] = ..., environment: _Optional[_Union[Environment, _Mapping]] = ..., background: _Optional[_Union[Background, _Mapping]] = ..., etag: _Optional[str] = ..., revision: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_by: _Optional[str] = ..., project: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class SceneNode(_message.Message):
    __slots__ = ("id", "name", "parent_id", "children", "translation", "rotation", "scale", "matrix", "asset_id", "camera", "light", "hidden")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    TRANSLATION_FIELD_NUMBER: _ClassVar[int]
    ROTATION_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    MATRIX_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    LIGHT_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    parent_id: str
    children: _containers.RepeatedScalarFieldContainer[str]
    translation: _containers.RepeatedScalarFieldContainer[float]
    rotation: _containers.RepeatedScalarFieldContainer[float]
    scale: _containers.RepeatedScalarFieldContainer[float]
    matrix: _containers.RepeatedScalarFieldContainer[float]
    asset_id: str
    camera: Camera
    light: Light
    hidden: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., parent_id: _Optional[str] = ..., children: _Optional[_Iterable[str]] = ..., translation: _Optional[_Iterable[float]] = ..., rotation: _Optional[_Iterable[float]] = ..., scale: _Optional[_Iterable[float]] = ..., matrix: _Optional[_Iterable[float]] = ..., asset_id: _Optional[str] = ..., camera: _Optional[_Union[Camera, _Mapping]] = ..., light: _Optional[_Union[Light, _Mapping]] = ..., hidden: _Optional[bool] = ...) -> None: ...

class Camera(_message.Message):
    __slots__ = ("perspective", "orthographic")
    class Perspective(_message.Message):
        __slots__ = ("yfov", "znear", "zfar")
        YFOV_FIELD_NUMBER: _ClassVar[int]
        ZNEAR_FIELD_NUMBER: _ClassVar[int]
        ZFAR_FIELD_NUMBER: _ClassVar[int]
        yfov: float
        znear: float
        zfar: float
        def __init__(self, yfov: _Optional[float] = ..., znear: _Optional[float] = ..., zfar: _Optional[float] = ...) -> None: ...
    class Orthographic(_message.Message):
        __slots__ = ("ymag", "znear", "zfar")
        YMAG_FIELD_NUMBER: _ClassVar[int]
        ZNEAR_FIELD_NUMBER: _ClassVar[int]
        ZFAR_FIELD_NUMBER: _ClassVar[int]
        ymag: float
        znear: float
        zfar: float
        def __init__(self, ymag: _Optional[float] = ..., znear: _Optional[float] = ..., zfar: _Optional[float] = ...) -> None: ...
    PERSPECTIVE_FIELD_NUMBER: _ClassVar[int]
    ORTHOGRAPHIC_FIELD_NUMBER: _ClassVar[int]
    perspective: Camera.Perspective
    orthographic: Camera.Orthographic
    def __init__(self, perspective: _Optional[_Union[Camera.Perspective, _Mapping]] = ..., orthographic: _Optional[_Union[Camera.Orthographic, _Mapping]] = ...) -> None: ...

class Light(_message.Message):
    __slots__ = ("type", "color", "intensity", "range", "inner_cone_angle", "outer_cone_angle")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[Light.Type]
        DIRECTIONAL: _ClassVar[Light.Type]
        POINT: _ClassVar[Light.Type]
        SPOT: _ClassVar[Light.Type]
    TYPE_UNSPECIFIED: Light.Type
    DIRECTIONAL: Light.Type
    POINT: Light.Type
    SPOT: Light.Type
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    INTENSITY_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    INNER_CONE_ANGLE_FIELD_NUMBER: _ClassVar[int]
    OUTER_CONE_ANGLE_FIELD_NUMBER: _ClassVar[int]
    type: Light.Type
    color: _containers.RepeatedScalarFieldContainer[float]
    intensity: float
    range: float
    inner_cone_angle: float
    outer_cone_angle: float
    def __init__(self, type: _Optional[_Union[Light.Type, str]] = ..., color: _Optional[_Iterable[float]] = ..., intensity: _Optional[float] = ..., range: _Optional[float] = ..., inner_cone_angle: _Optional[float] = ..., outer_cone_angle: _Optional[float] = ...) -> None: ...

class Environment(_message.Message):
    __slots__ = ("builtin", "asset_id", "intensity", "rotation")
    BUILTIN_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    INTENSITY_FIELD_NUMBER: _ClassVar[int]
    ROTATION_FIELD_NUMBER: _ClassVar[int]
    builtin: str
    asset_id: str
    intensity: float
    rotation: float
    def __init__(self, builtin: _Optional[str] = ..., asset_id: _Optional[str] = ..., intensity: _Optional[float] = ..., rotation: _Optional[float] = ...) -> None: ...

class Background(_message.Message):
    __slots__ = ("color", "environment", "transparent", "blurred_environment")
    class Color(_message.Message):
        __slots__ = ("r", "g", "b")
        R_FIELD_NUMBER: _ClassVar[int]
        G_FIELD_NUMBER: _ClassVar[int]
        B_FIELD_NUMBER: _ClassVar[int]
        r: float
        g: float
        b: float
        def __init__(self, r: _Optional[float] = ..., g: _Optional[float] = ..., b: _Optional[float] = ...) -> None: ...
    COLOR_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    TRANSPARENT_FIELD_NUMBER: _ClassVar[int]
    BLURRED_ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    color: Background.Color
    environment: bool
    transparent: bool
    blurred_environment: float
    def __init__(self, color: _Optional[_Union[Background.Color, _Mapping]] = ..., environment: _Optional[bool] = ..., transparent: _Optional[bool] = ..., blurred_environment: _Optional[float] = ...) -> None: ...

class CreateSceneRequest(_message.Message):
    __slots__ = ("scene", "request_id", "validate_only")
    SCENE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    scene: Scene
    request_id: str
    validate_only: bool
    def __init__(self, scene: _Optional[_Union[Scene, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GetSceneRequest(_message.Message):
    __slots__ = ("scene_id",)
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    scene_id: str
    def __init__(self, scene_id: _Optional[str] = ...) -> None: ...

class ListScenesRequest(_message.Message):
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

class ListScenesResponse(_message.Message):
    __slots__ = ("scenes", "next_page_token")
    SCENES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    scenes: _containers.RepeatedCompositeFieldContainer[Scene]
    next_page_token: str
    def __init__(self, scenes: _Optional[_Iterable[_Union[Scene, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateSceneRequest(_message.Message):
    __slots__ = ("scene", "update_mask")
    SCENE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    scene: Scene
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, scene: _Optional[_Union[Scene, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ReplaceSceneRequest(_message.Message):
    __slots__ = ("scene",)
    SCENE_FIELD_NUMBER: _ClassVar[int]
    scene: Scene
    def __init__(self, scene: _Optional[_Union[Scene, _Mapping]] = ...) -> None: ...

class DeleteSceneRequest(_message.Message):
    __slots__ = ("scene_id", "etag", "purge")
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    PURGE_FIELD_NUMBER: _ClassVar[int]
    scene_id: str
    etag: str
    purge: bool
    def __init__(self, scene_id: _Optional[str] = ..., etag: _Optional[str] = ..., purge: _Optional[bool] = ...) -> None: ...

class UndeleteSceneRequest(_message.Message):
    __slots__ = ("scene_id",)
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    scene_id: str
    def __init__(self, scene_id: _Optional[str] = ...) -> None: ...
