"""Everything that can be told to a caller: one table, one class per cause.

`reason` is part of the API and never changes; the sentence may. Every variable of the sentence is also metadata
(AIP-193). A sentence says what is wrong, where, and what to do next. Workers raise the same classes: a job that fails
stores them as its `error`, and the caller reads the same reason there as from an rpc.
"""

from __future__ import annotations

from threed.codes import Code
from threed.error import ThreedError

# ---------------------------------------------------------------- who is calling


class TokenMissing(ThreedError):
    """Raised when a call that needs a token has none."""

    code, reason = Code.UNAUTHENTICATED, "TOKEN_MISSING"


class TokenInvalid(ThreedError):
    """Raised when a token is expired, forged, for another audience, or lacks a claim."""

    code, reason = Code.UNAUTHENTICATED, "TOKEN_INVALID"


class RoleTooLow(ThreedError):
    """Raised when the token's role may not make this call."""

    code, reason = Code.PERMISSION_DENIED, "ROLE_TOO_LOW"


# ---------------------------------------------------------------- what the request says


class FieldInvalid(ThreedError):
    """Raised when a field breaks a rule of the contract. Always carries BadRequest.field_violations."""

    code, reason = Code.INVALID_ARGUMENT, "FIELD_INVALID"


class IdInvalid(ThreedError):
    """Raised when an id is not of the form or type that the field wants."""

    code, reason = Code.INVALID_ARGUMENT, "ID_INVALID"


class FilterInvalid(ThreedError):
    """Raised when a filter or an order does not parse, or names an unknown field."""

    code, reason = Code.INVALID_ARGUMENT, "FILTER_INVALID"


class PageTokenInvalid(ThreedError):
    """Raised when a page token was altered, or belongs to other arguments or another project."""

    code, reason = Code.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID"


class MaskInvalid(ThreedError):
    """Raised when an update mask names a field that does not exist or cannot be written."""

    code, reason = Code.INVALID_ARGUMENT, "UPDATE_MASK_INVALID"


class RequestIdReused(ThreedError):
    """Raised when a request_id comes again with other content."""

    code, reason = Code.INVALID_ARGUMENT, "REQUEST_ID_REUSED"


class EtagMismatch(ThreedError):
    """Raised when the resource changed since the caller read it."""

    code, reason = Code.ABORTED, "ETAG_MISMATCH"


# ---------------------------------------------------------------- what is there


class NotFound(ThreedError):
    """Raised when no such resource exists in the caller's project. Another project's id reads the same."""

    code, reason = Code.NOT_FOUND, "NOT_FOUND"


class AssetNotReady(ThreedError):
    """Raised when an asset is not VALIDATED, or not a model, and the call needs one that is."""

    code, reason = Code.FAILED_PRECONDITION, "ASSET_NOT_READY"


class AssetDeleted(ThreedError):
    """Raised when a soft-deleted asset or scene is used. Undelete it first."""

    code, reason = Code.FAILED_PRECONDITION, "ASSET_DELETED"


class NotDeleted(ThreedError):
    """Raised when Undelete is called on a resource that is not deleted."""

    code, reason = Code.FAILED_PRECONDITION, "NOT_DELETED"


class InUse(ThreedError):
    """Raised when a resource cannot be deleted for good because another still uses it."""

    code, reason = Code.FAILED_PRECONDITION, "IN_USE"


class JobNotFinished(ThreedError):
    """Raised when a call needs a finished job and this one still runs."""

    code, reason = Code.FAILED_PRECONDITION, "JOB_NOT_FINISHED"


class JobNotRetryable(ThreedError):
    """Raised when Retry is called on a job that is neither FAILED nor CANCELLED."""

    code, reason = Code.FAILED_PRECONDITION, "JOB_NOT_RETRYABLE"


class OutputMissing(ThreedError):
    """Raised when a resource has no file of the asked kind (yet)."""

    code, reason = Code.FAILED_PRECONDITION, "OUTPUT_MISSING"


# ---------------------------------------------------------------- uploads


class UploadOffsetMismatch(ThreedError):
    """Raised when a chunk does not start where the last one ended. Metadata `committed_size` says where to go on."""

    code, reason = Code.OUT_OF_RANGE, "UPLOAD_OFFSET_MISMATCH"


class UploadChunkCorrupt(ThreedError):
    """Raised when a chunk's CRC32C does not match its bytes. Nothing of it was written; send it again."""

    code, reason = Code.DATA_LOSS, "UPLOAD_CHUNK_CORRUPT"


class UploadChunkInvalid(ThreedError):
    """Raised when a chunk is empty or larger than max_chunk_bytes."""

    code, reason = Code.INVALID_ARGUMENT, "UPLOAD_CHUNK_INVALID"


class UploadSizeMismatch(ThreedError):
    """Raised when the bytes are fewer or more than the declared size."""

    code, reason = Code.INVALID_ARGUMENT, "UPLOAD_SIZE_MISMATCH"


class UploadDigestMismatch(ThreedError):
    """Raised when the SHA-256 of the bytes is not the declared one."""

    code, reason = Code.DATA_LOSS, "UPLOAD_DIGEST_MISMATCH"


class UploadTooLarge(ThreedError):
    """Raised when an upload passes max_upload_bytes of this server."""

    code, reason = Code.RESOURCE_EXHAUSTED, "UPLOAD_TOO_LARGE"


class UploadBusy(ThreedError):
    """Raised when another writer took the upload over."""

    code, reason = Code.ABORTED, "UPLOAD_BUSY"


class UploadClosed(ThreedError):
    """Raised when the upload is finished, cancelled or expired and takes no more bytes."""

    code, reason = Code.FAILED_PRECONDITION, "UPLOAD_CLOSED"


# ---------------------------------------------------------------- files


class FileRefused(ThreedError):
    """The root of what can be wrong with a file. Metadata `where` is a JSON pointer, a line or a byte offset."""

    code = Code.INVALID_ARGUMENT


class FileEmpty(FileRefused):
    """Raised when a file has no bytes, or an archive no files."""

    reason = "FILE_EMPTY"


class FileFormatUnknown(FileRefused):
    """Raised when the content is of no format that this server reads."""

    reason = "FILE_FORMAT_UNKNOWN"


class FileFormatMismatch(FileRefused):
    """Raised when the caller named a format and the content is another."""

    reason = "FILE_FORMAT_MISMATCH"


class FileTruncated(FileRefused):
    """Raised when a file ends before its own header says so."""

    reason = "FILE_TRUNCATED"


class FileMalformed(FileRefused):
    """Raised when a file breaks its format's rules."""

    reason = "FILE_MALFORMED"


class FileTooComplex(FileRefused):
    """Raised when a file decodes to more than a documented budget: a bomb, or simply too much."""

    reason = "FILE_TOO_COMPLEX"


class FileUriForbidden(FileRefused):
    """Raised when a file refers outside itself: absolute path, parent folder, file:, http:."""

    reason = "FILE_URI_FORBIDDEN"


class FileCompanionMissing(FileRefused):
    """Raised when a file needs another (buffer, texture, material library) that was not uploaded with it."""

    reason = "FILE_COMPANION_MISSING"


class FileFeatureUnsupported(FileRefused):
    """Raised when a file requires an extension or a variant of its format that this server cannot read."""

    reason = "FILE_FEATURE_UNSUPPORTED"


class FileValuesInvalid(FileRefused):
    """Raised when numbers in a file are not finite, out of range, or impossible (zero quaternion, cyclic nodes)."""

    reason = "FILE_VALUES_INVALID"


# ---------------------------------------------------------------- jobs


class JobCrashed(ThreedError):
    """Raised when the job's process died by a signal, as native libraries do on bad input."""

    code, reason = Code.INTERNAL, "JOB_CRASHED"


class JobOutOfMemory(ThreedError):
    """Raised when a job needs more memory than its limit."""

    code, reason = Code.RESOURCE_EXHAUSTED, "JOB_OUT_OF_MEMORY"


class JobTimedOut(ThreedError):
    """Raised when a job runs longer than its wall-clock or processor limit."""

    code, reason = Code.DEADLINE_EXCEEDED, "JOB_TIMED_OUT"


class JobDiskFull(ThreedError):
    """Raised when a job writes more than its disk limit, or the scratch disk is full."""

    code, reason = Code.RESOURCE_EXHAUSTED, "JOB_DISK_FULL"


class JobAttemptsExhausted(ThreedError):
    """Raised when a job lost its worker max_attempts times."""

    code, reason = Code.ABORTED, "JOB_ATTEMPTS_EXHAUSTED"


class JobFailed(ThreedError):
    """Raised when a job ends by an error that is ours."""

    code, reason = Code.INTERNAL, "JOB_FAILED"


class JobCancelled(ThreedError):
    """Raised when a caller cancelled the job."""

    code, reason = Code.CANCELLED, "JOB_CANCELLED"


class MemoryBudgetExceeded(ThreedError):
    """Raised when a derivative or a picture would take more memory than a worker's process may, by its plan."""

    code, reason = Code.FAILED_PRECONDITION, "MEMORY_BUDGET_EXCEEDED"


class EngineUnavailable(ThreedError):
    """Raised when the asked engine, or any, cannot run on this machine."""

    code, reason = Code.FAILED_PRECONDITION, "ENGINE_UNAVAILABLE"


class EngineFailed(ThreedError):
    """Raised when an engine refuses or fails on a scene that passed validation."""

    code, reason = Code.INTERNAL, "ENGINE_FAILED"


class FramesFailed(ThreedError):
    """Raised when frames of a render job have failed. Each has its own reason."""

    code, reason = Code.INTERNAL, "FRAMES_FAILED"


class SceneInvalid(ThreedError):
    """Raised when a scene's graph cannot be drawn: cycles, unknown parents, no camera of that id, nothing to see."""

    code, reason = Code.INVALID_ARGUMENT, "SCENE_INVALID"


class RecipeInvalid(ThreedError):
    """Raised when a recipe cannot be carried out as it is written, or not on this model."""

    code, reason = Code.INVALID_ARGUMENT, "RECIPE_INVALID"


class ValidationFailed(ThreedError):
    """Raised when an upload that was to be judged strictly has errors. The asset's validation lists them."""

    code, reason = Code.INVALID_ARGUMENT, "VALIDATION_FAILED"


class LossRefused(ThreedError):
    """Raised when a derivative would lose something that no step names, and the recipe says LOSS_FAIL."""

    code, reason = Code.FAILED_PRECONDITION, "LOSS_REFUSED"


class OutputInvalid(ThreedError):
    """Raised when what a recipe made does not pass the validator: it is not handed out."""

    code, reason = Code.INTERNAL, "OUTPUT_INVALID"


class ProofFailed(ThreedError):
    """Raised when no setting of a recipe gives what is enough like the original."""

    code, reason = Code.FAILED_PRECONDITION, "PROOF_FAILED"


# ---------------------------------------------------------------- the server itself


class Unavailable(ThreedError):
    """Raised when the database or the object store is away for a moment. Call again."""

    code, reason = Code.UNAVAILABLE, "UNAVAILABLE"


class StoreFull(ThreedError):
    """Raised when the object store has no room left."""

    code, reason = Code.RESOURCE_EXHAUSTED, "STORE_FULL"


class TooManyWatchers(ThreedError):
    """Raised when one server process already serves max_watchers streams."""

    code, reason = Code.RESOURCE_EXHAUSTED, "TOO_MANY_WATCHERS"


class ResumeTokenInvalid(ThreedError):
    """Raised when a watch shall go on after a message of another job."""

    code, reason = Code.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID"


class DownloadUrlInvalid(ThreedError):
    """Raised when a download address was altered, or another server signed it."""

    code, reason = Code.PERMISSION_DENIED, "DOWNLOAD_URL_INVALID"


class DownloadUrlExpired(ThreedError):
    """Raised when a download address is used after its time."""

    code, reason = Code.PERMISSION_DENIED, "DOWNLOAD_URL_EXPIRED"


class RangeNotSatisfiable(ThreedError):
    """Raised when a download asks for bytes beyond the end of the file."""

    code, reason = Code.OUT_OF_RANGE, "RANGE_NOT_SATISFIABLE"


class HttpRequestInvalid(ThreedError):
    """Raised when the download endpoint gets something that is not a plain HTTP/1.1 GET or HEAD."""

    code, reason = Code.INVALID_ARGUMENT, "HTTP_REQUEST_INVALID"


class BlobCorrupt(ThreedError):
    """Raised when stored bytes are missing or no longer have their SHA-256."""

    code, reason = Code.DATA_LOSS, "BLOB_CORRUPT"


class Internal(ThreedError):
    """Raised for everything else. The sentence names only the incident's id; the log has the rest."""

    code, reason = Code.INTERNAL, "INTERNAL"


def table() -> dict[str, type[ThreedError]]:
    """Every reason of the API, with its class."""
    found: dict[str, type[ThreedError]] = {}
    rest = [ThreedError]
    while rest:
        for child in rest.pop().__subclasses__():
            rest.append(child)
            if "reason" in vars(child):
                found[child.reason] = child
    return found
