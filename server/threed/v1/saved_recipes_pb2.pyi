import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import client_pb2 as _client_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import field_info_pb2 as _field_info_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from threed.v1 import access_pb2 as _access_pb2
from threed.v1 import recipes_pb2 as _recipes_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SavedRecipe(_message.Message):
    __slots__ = ("recipe_id", "display_name", "recipe", "revision", "tags", "etag", "created_by", "project", "created_at", "update_time")
    RECIPE_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    RECIPE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    recipe_id: str
    display_name: str
    recipe: _recipes_pb2.Recipe
    revision: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    etag: str
    created_by: str
    project: str
    created_at: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, recipe_id: _Optional[str] = ..., display_name: _Optional[str] = ..., recipe: _Optional[_Union[_recipes_pb2.Recipe, _Mapping]] = ..., revision: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., etag: _Optional[str] = ..., created_by: _Optional[str] = ..., project: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateSavedRecipeRequest(_message.Message):
    __slots__ = ("saved_recipe", "request_id", "validate_only")
    SAVED_RECIPE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    saved_recipe: SavedRecipe
    request_id: str
    validate_only: bool
    def __init__(self, saved_recipe: _Optional[_Union[SavedRecipe, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class GetSavedRecipeRequest(_message.Message):
    __slots__ = ("recipe_id", "revision")
    RECIPE_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    recipe_id: str
    revision: int
    def __init__(self, recipe_id: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class ListSavedRecipesRequest(_message.Message):
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

class ListSavedRecipesResponse(_message.Message):
    __slots__ = ("saved_recipes", "next_page_token")
    SAVED_RECIPES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    saved_recipes: _containers.RepeatedCompositeFieldContainer[SavedRecipe]
    next_page_token: str
    def __init__(self, saved_recipes: _Optional[_Iterable[_Union[SavedRecipe, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateSavedRecipeRequest(_message.Message):
    __slots__ = ("saved_recipe", "update_mask")
    SAVED_RECIPE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    saved_recipe: SavedRecipe
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, saved_recipe: _Optional[_Union[SavedRecipe, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class DeleteSavedRecipeRequest(_message.Message):
    __slots__ = ("recipe_id", "etag")
    RECIPE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    recipe_id: str
    etag: str
    def __init__(self, recipe_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...
