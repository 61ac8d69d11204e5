from buf.validate import validate_pb2 as _validate_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPORT_FORMAT_UNSPECIFIED: _ClassVar[ExportFormat]
    EXPORT_GLB: _ClassVar[ExportFormat]
    EXPORT_GLTF: _ClassVar[ExportFormat]
    EXPORT_OBJ: _ClassVar[ExportFormat]
    EXPORT_STL: _ClassVar[ExportFormat]
    EXPORT_PLY: _ClassVar[ExportFormat]
    EXPORT_3MF: _ClassVar[ExportFormat]
    EXPORT_USDZ: _ClassVar[ExportFormat]
    EXPORT_POINTS: _ClassVar[ExportFormat]

class LossPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOSS_POLICY_UNSPECIFIED: _ClassVar[LossPolicy]
    LOSS_ALLOW: _ClassVar[LossPolicy]
    LOSS_WARN: _ClassVar[LossPolicy]
    LOSS_FAIL: _ClassVar[LossPolicy]
EXPORT_FORMAT_UNSPECIFIED: ExportFormat
EXPORT_GLB: ExportFormat
EXPORT_GLTF: ExportFormat
EXPORT_OBJ: ExportFormat
EXPORT_STL: ExportFormat
EXPORT_PLY: ExportFormat
EXPORT_3MF: ExportFormat
EXPORT_USDZ: ExportFormat
EXPORT_POINTS: ExportFormat
LOSS_POLICY_UNSPECIFIED: LossPolicy
LOSS_ALLOW: LossPolicy
LOSS_WARN: LossPolicy
LOSS_FAIL: LossPolicy

class Recipe(_message.Message):
    __slots__ = ("steps", "export_formats", "loss_policy", "proof")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FORMATS_FIELD_NUMBER: _ClassVar[int]
    LOSS_POLICY_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    export_formats: _containers.RepeatedScalarFieldContainer[ExportFormat]
    loss_policy: LossPolicy
    proof: Proof
    def __init__(self, steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., export_formats: _Optional[_Iterable[_Union[ExportFormat, str]]] = ..., loss_policy: _Optional[_Union[LossPolicy, str]] = ..., proof: _Optional[_Union[Proof, _Mapping]] = ...) -> None: ...

class Proof(_message.Message):
    __slots__ = ("min_ssim", "max_distance")
    MIN_SSIM_FIELD_NUMBER: _ClassVar[int]
    MAX_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    min_ssim: float
    max_distance: float
    def __init__(self, min_ssim: _Optional[float] = ..., max_distance: _Optional[float] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("dedup", "prune", "weld", "unweld", "flatten", "join", "instance", "simplify", "lod", "reorder", "quantize", "meshopt", "draco", "normals", "tangents", "unlit", "recenter", "scale", "resample", "trim", "remove", "texture_resize", "texture_encode", "palette", "clean_attributes", "atlas")
    DEDUP_FIELD_NUMBER: _ClassVar[int]
    PRUNE_FIELD_NUMBER: _ClassVar[int]
    WELD_FIELD_NUMBER: _ClassVar[int]
    UNWELD_FIELD_NUMBER: _ClassVar[int]
    FLATTEN_FIELD_NUMBER: _ClassVar[int]
    JOIN_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    SIMPLIFY_FIELD_NUMBER: _ClassVar[int]
    LOD_FIELD_NUMBER: _ClassVar[int]
    REORDER_FIELD_NUMBER: _ClassVar[int]
    QUANTIZE_FIELD_NUMBER: _ClassVar[int]
    MESHOPT_FIELD_NUMBER: _ClassVar[int]
    DRACO_FIELD_NUMBER: _ClassVar[int]
    NORMALS_FIELD_NUMBER: _ClassVar[int]
    TANGENTS_FIELD_NUMBER: _ClassVar[int]
    UNLIT_FIELD_NUMBER: _ClassVar[int]
    RECENTER_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    RESAMPLE_FIELD_NUMBER: _ClassVar[int]
    TRIM_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    TEXTURE_RESIZE_FIELD_NUMBER: _ClassVar[int]
    TEXTURE_ENCODE_FIELD_NUMBER: _ClassVar[int]
    PALETTE_FIELD_NUMBER: _ClassVar[int]
    CLEAN_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    ATLAS_FIELD_NUMBER: _ClassVar[int]
    dedup: Dedup
    prune: Prune
    weld: Weld
    unweld: Unweld
    flatten: Flatten
    join: Join
    instance: Instance
    simplify: Simplify
    lod: Lod
    reorder: Reorder
    quantize: Quantize
    meshopt: Meshopt
    draco: Draco
    normals: Normals
    tangents: Tangents
    unlit: Unlit
    recenter: Recenter
    scale: Scale
    resample: Resample
    trim: Trim
    remove: Remove
    texture_resize: TextureResize
    texture_encode: TextureEncode
    palette: Palette
    clean_attributes: CleanAttributes
    atlas: Atlas
    def __init__(self, dedup: _Optional[_Union[Dedup, _Mapping]] = ..., prune: _Optional[_Union[Prune, _Mapping]] = ..., weld: _Optional[_Union[Weld, _Mapping]] = ..., unweld: _Optional[_Union[Unweld, _Mapping]] = ..., flatten: _Optional[_Union[Flatten, _Mapping]] = ..., join: _Optional[_Union[Join, _Mapping]] = ..., instance: _Optional[_Union[Instance, _Mapping]] = ..., simplify: _Optional[_Union[Simplify, _Mapping]] = ..., lod: _Optional[_Union[Lod, _Mapping]] = ..., reorder: _Optional[_Union[Reorder, _Mapping]] = ..., quantize: _Optional[_Union[Quantize, _Mapping]] = ..., meshopt: _Optional[_Union[Meshopt, _Mapping]] = ..., draco: _Optional[_Union[Draco, _Mapping]] = ..., normals: _Optional[_Union[Normals, _Mapping]] = ..., tangents: _Optional[_Union[Tangents, _Mapping]] = ..., unlit: _Optional[_Union[Unlit, _Mapping]] = ..., recenter: _Optional[_Union[Recenter, _Mapping]] = ..., scale: _Optional[_Union[Scale, _Mapping]] = ..., resample: _Optional[_Union[Resample, _Mapping]] = ..., trim: _Optional[_Union[Trim, _Mapping]] = ..., remove: _Optional[_Union[Remove, _Mapping]] = ..., texture_resize: _Optional[_Union[TextureResize, _Mapping]] = ..., texture_encode: _Optional[_Union[TextureEncode, _Mapping]] = ..., palette: _Optional[_Union[Palette, _Mapping]] = ..., clean_attributes: _Optional[_Union[CleanAttributes, _Mapping]] = ..., atlas: _Optional[_Union[Atlas, _Mapping]] = ...) -> None: ...

class Dedup(_message.Message):
    __slots__ = ("keep_unique_names",)
    KEEP_UNIQUE_NAMES_FIELD_NUMBER: _ClassVar[int]
    keep_unique_names: bool
    def __init__(self, keep_unique_names: _Optional[bool] = ...) -> None: ...

class Prune(_message.Message):
    __slots__ = ("keep_leaves", "keep_attributes")
    KEEP_LEAVES_FIELD_NUMBER: _ClassVar[int]
    KEEP_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    keep_leaves: bool
    keep_attributes: bool
    def __init__(self, keep_leaves: _Optional[bool] = ..., keep_attributes: _Optional[bool] = ...) -> None: ...

class Weld(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Unweld(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Flatten(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Join(_message.Message):
    __slots__ = ("keep_named",)
    KEEP_NAMED_FIELD_NUMBER: _ClassVar[int]
    keep_named: bool
    def __init__(self, keep_named: _Optional[bool] = ...) -> None: ...

class Instance(_message.Message):
    __slots__ = ("min",)
    MIN_FIELD_NUMBER: _ClassVar[int]
    min: int
    def __init__(self, min: _Optional[int] = ...) -> None: ...

class Simplify(_message.Message):
    __slots__ = ("ratio", "error", "lock_border", "ignore_attributes")
    RATIO_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LOCK_BORDER_FIELD_NUMBER: _ClassVar[int]
    IGNORE_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    ratio: float
    error: float
    lock_border: bool
    ignore_attributes: bool
    def __init__(self, ratio: _Optional[float] = ..., error: _Optional[float] = ..., lock_border: _Optional[bool] = ..., ignore_attributes: _Optional[bool] = ...) -> None: ...

class Lod(_message.Message):
    __slots__ = ("ratios", "error", "output")
    class Output(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTPUT_UNSPECIFIED: _ClassVar[Lod.Output]
        MSFT_LOD: _ClassVar[Lod.Output]
        FILES: _ClassVar[Lod.Output]
    OUTPUT_UNSPECIFIED: Lod.Output
    MSFT_LOD: Lod.Output
    FILES: Lod.Output
    RATIOS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ratios: _containers.RepeatedScalarFieldContainer[float]
    error: float
    output: Lod.Output
    def __init__(self, ratios: _Optional[_Iterable[float]] = ..., error: _Optional[float] = ..., output: _Optional[_Union[Lod.Output, str]] = ...) -> None: ...

class Reorder(_message.Message):
    __slots__ = ("target",)
    class Target(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TARGET_UNSPECIFIED: _ClassVar[Reorder.Target]
        SIZE: _ClassVar[Reorder.Target]
        PERFORMANCE: _ClassVar[Reorder.Target]
    TARGET_UNSPECIFIED: Reorder.Target
    SIZE: Reorder.Target
    PERFORMANCE: Reorder.Target
    TARGET_FIELD_NUMBER: _ClassVar[int]
    target: Reorder.Target
    def __init__(self, target: _Optional[_Union[Reorder.Target, str]] = ...) -> None: ...

class Quantize(_message.Message):
    __slots__ = ("position_bits", "normal_bits", "texcoord_bits", "color_bits")
    POSITION_BITS_FIELD_NUMBER: _ClassVar[int]
    NORMAL_BITS_FIELD_NUMBER: _ClassVar[int]
    TEXCOORD_BITS_FIELD_NUMBER: _ClassVar[int]
    COLOR_BITS_FIELD_NUMBER: _ClassVar[int]
    position_bits: int
    normal_bits: int
    texcoord_bits: int
    color_bits: int
    def __init__(self, position_bits: _Optional[int] = ..., normal_bits: _Optional[int] = ..., texcoord_bits: _Optional[int] = ..., color_bits: _Optional[int] = ...) -> None: ...

class Meshopt(_message.Message):
    __slots__ = ("filter",)
    class Filter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FILTER_UNSPECIFIED: _ClassVar[Meshopt.Filter]
        NONE: _ClassVar[Meshopt.Filter]
        NORMALS: _ClassVar[Meshopt.Filter]
    FILTER_UNSPECIFIED: Meshopt.Filter
    NONE: Meshopt.Filter
    NORMALS: Meshopt.Filter
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter: Meshopt.Filter
    def __init__(self, filter: _Optional[_Union[Meshopt.Filter, str]] = ...) -> None: ...

class Draco(_message.Message):
    __slots__ = ("level", "position_bits", "normal_bits", "texcoord_bits")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    POSITION_BITS_FIELD_NUMBER: _ClassVar[int]
    NORMAL_BITS_FIELD_NUMBER: _ClassVar[int]
    TEXCOORD_BITS_FIELD_NUMBER: _ClassVar[int]
    level: int
    position_bits: int
    normal_bits: int
    texcoord_bits: int
    def __init__(self, level: _Optional[int] = ..., position_bits: _Optional[int] = ..., normal_bits: _Optional[int] = ..., texcoord_bits: _Optional[int] = ...) -> None: ...

class Normals(_message.Message):
    __slots__ = ("overwrite", "crease_angle")
    OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    CREASE_ANGLE_FIELD_NUMBER: _ClassVar[int]
    overwrite: bool
    crease_angle: float
    def __init__(self, overwrite: _Optional[bool] = ..., crease_angle: _Optional[float] = ...) -> None: ...

class Tangents(_message.Message):
    __slots__ = ("overwrite",)
    OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    overwrite: bool
    def __init__(self, overwrite: _Optional[bool] = ...) -> None: ...

class Unlit(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Recenter(_message.Message):
    __slots__ = ("pivot",)
    class Pivot(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PIVOT_UNSPECIFIED: _ClassVar[Recenter.Pivot]
        CENTER: _ClassVar[Recenter.Pivot]
        BELOW: _ClassVar[Recenter.Pivot]
        ABOVE: _ClassVar[Recenter.Pivot]
    PIVOT_UNSPECIFIED: Recenter.Pivot
    CENTER: Recenter.Pivot
    BELOW: Recenter.Pivot
    ABOVE: Recenter.Pivot
    PIVOT_FIELD_NUMBER: _ClassVar[int]
    pivot: Recenter.Pivot
    def __init__(self, pivot: _Optional[_Union[Recenter.Pivot, str]] = ...) -> None: ...

class Scale(_message.Message):
    __slots__ = ("factor", "fit_m")
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    FIT_M_FIELD_NUMBER: _ClassVar[int]
    factor: float
    fit_m: float
    def __init__(self, factor: _Optional[float] = ..., fit_m: _Optional[float] = ...) -> None: ...

class Resample(_message.Message):
    __slots__ = ("tolerance",)
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    tolerance: float
    def __init__(self, tolerance: _Optional[float] = ...) -> None: ...

class Trim(_message.Message):
    __slots__ = ("animations", "start", "end")
    ANIMATIONS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    animations: _containers.RepeatedScalarFieldContainer[str]
    start: float
    end: float
    def __init__(self, animations: _Optional[_Iterable[str]] = ..., start: _Optional[float] = ..., end: _Optional[float] = ...) -> None: ...

class Remove(_message.Message):
    __slots__ = ("features",)
    class Feature(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FEATURE_UNSPECIFIED: _ClassVar[Remove.Feature]
        ANIMATIONS: _ClassVar[Remove.Feature]
        SKINS: _ClassVar[Remove.Feature]
        MORPH_TARGETS: _ClassVar[Remove.Feature]
        CAMERAS: _ClassVar[Remove.Feature]
        LIGHTS: _ClassVar[Remove.Feature]
        TEXTURES: _ClassVar[Remove.Feature]
        VERTEX_COLORS: _ClassVar[Remove.Feature]
        MATERIALS: _ClassVar[Remove.Feature]
        EXTRAS: _ClassVar[Remove.Feature]
        VARIANTS: _ClassVar[Remove.Feature]
        TANGENTS: _ClassVar[Remove.Feature]
        OTHER_SCENES: _ClassVar[Remove.Feature]
        POINTS_AND_LINES: _ClassVar[Remove.Feature]
    FEATURE_UNSPECIFIED: Remove.Feature
    ANIMATIONS: Remove.Feature
    SKINS: Remove.Feature
    MORPH_TARGETS: Remove.Feature
    CAMERAS: Remove.Feature
    LIGHTS: Remove.Feature
    TEXTURES: Remove.Feature
    VERTEX_COLORS: Remove.Feature
    MATERIALS: Remove.Feature
    EXTRAS: Remove.Feature
    VARIANTS: Remove.Feature
    TANGENTS: Remove.Feature
    OTHER_SCENES: Remove.Feature
    POINTS_AND_LINES: Remove.Feature
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    features: _containers.RepeatedScalarFieldContainer[Remove.Feature]
    def __init__(self, features: _Optional[_Iterable[_Union[Remove.Feature, str]]] = ...) -> None: ...

class TextureResize(_message.Message):
    __slots__ = ("max_px", "power_of_two")
    MAX_PX_FIELD_NUMBER: _ClassVar[int]
    POWER_OF_TWO_FIELD_NUMBER: _ClassVar[int]
    max_px: int
    power_of_two: bool
    def __init__(self, max_px: _Optional[int] = ..., power_of_two: _Optional[bool] = ...) -> None: ...

class TextureEncode(_message.Message):
    __slots__ = ("encoding", "quality", "again")
    class Encoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ENCODING_UNSPECIFIED: _ClassVar[TextureEncode.Encoding]
        JPEG: _ClassVar[TextureEncode.Encoding]
        PNG: _ClassVar[TextureEncode.Encoding]
        WEBP: _ClassVar[TextureEncode.Encoding]
        AVIF: _ClassVar[TextureEncode.Encoding]
        KTX2: _ClassVar[TextureEncode.Encoding]
        KTX2_UASTC: _ClassVar[TextureEncode.Encoding]
        KTX2_ETC1S: _ClassVar[TextureEncode.Encoding]
    ENCODING_UNSPECIFIED: TextureEncode.Encoding
    JPEG: TextureEncode.Encoding
    PNG: TextureEncode.Encoding
    WEBP: TextureEncode.Encoding
    AVIF: TextureEncode.Encoding
    KTX2: TextureEncode.Encoding
    KTX2_UASTC: TextureEncode.Encoding
    KTX2_ETC1S: TextureEncode.Encoding
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    encoding: TextureEncode.Encoding
    quality: int
    again: bool
    def __init__(self, encoding: _Optional[_Union[TextureEncode.Encoding, str]] = ..., quality: _Optional[int] = ..., again: _Optional[bool] = ...) -> None: ...

class Palette(_message.Message):
    __slots__ = ("min",)
    MIN_FIELD_NUMBER: _ClassVar[int]
    min: int
    def __init__(self, min: _Optional[int] = ...) -> None: ...

class Atlas(_message.Message):
    __slots__ = ("min", "max_px", "padding_px")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_PX_FIELD_NUMBER: _ClassVar[int]
    PADDING_PX_FIELD_NUMBER: _ClassVar[int]
    min: int
    max_px: int
    padding_px: int
    def __init__(self, min: _Optional[int] = ..., max_px: _Optional[int] = ..., padding_px: _Optional[int] = ...) -> None: ...

class CleanAttributes(_message.Message):
    __slots__ = ("keep_texcoords", "keep_white")
    KEEP_TEXCOORDS_FIELD_NUMBER: _ClassVar[int]
    KEEP_WHITE_FIELD_NUMBER: _ClassVar[int]
    keep_texcoords: bool
    keep_white: bool
    def __init__(self, keep_texcoords: _Optional[bool] = ..., keep_white: _Optional[bool] = ...) -> None: ...
