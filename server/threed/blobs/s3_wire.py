"""S3 requests: signed by the minio SDK, sent by urllib3.

The SDK's own calls hash every body again (SHA-256, or MD5 under TLS) and hide multipart uploads behind private methods.
Here a body is a list of bytes that nobody copies, and its CRC32C goes with it in a signed header: AWS and SeaweedFS
refuse a body that does not match (400 BadDigest), and a store that does not know the header ignores it.

Addresses are path style (https://endpoint/bucket/key), which every S3 serves.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import google_crc32c
import urllib3
from minio import time as minio_time
from minio.credentials import Credentials
from minio.signer import sign_v4_s3
from urllib3.response import BaseHTTPResponse

from threed.blobs.verify import READ_BYTES
from threed.errors import StoreFull, Unavailable

_FULL = {"XMinioStorageFull", "InsufficientStorage", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded"}
_AWAY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted", "Throttling"}


class S3Refused(Exception):
    """An answer that only the caller of the request can judge. `code` is S3's, e.g. NoSuchKey."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(f"The object store answered {status} {code}: {message}")
        self.status = status
        self.code = code

    @property
    def absent(self) -> bool:
        return self.status == 404


class S3Wire:
    """Requests to one bucket. Safe for threads."""

    def __init__(self, endpoint: str, bucket: str, access_key: str, secret_key: str, region: str, secure: bool):
        self._base = f"{'https' if secure else 'http'}://{endpoint}/{bucket}"
        self._region = region
        self._credentials = Credentials(access_key, secret_key)
        self.pool = urllib3.PoolManager(
            maxsize=32,
            timeout=urllib3.Timeout(connect=3, read=30),
            # Every request here may be repeated: what it makes has a name that only this writer uses.
            retries=urllib3.Retry(
                total=3,
                backoff_factor=0.2,
                status_forcelist=(500, 502, 503, 504),
                allowed_methods=None,
                raise_on_status=False,
                redirect=False,
                # A caller is waiting: rather `Unavailable` now than a sleep as long as the store proposes.
                respect_retry_after_header=False,
            ),
        )

    def request(
        self,
        method: str,
        key: str = "",
        query: dict[str, str] | None = None,
        body: Sequence[bytes] = (),
        headers: dict[str, str] | None = None,
        stream: bool = False,
    ) -> BaseHTTPResponse:
        """The answer when it is 2xx. Raises S3Refused, StoreFull, Unavailable."""
        text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in (query or {}).items())
        url = urlsplit(f"{self._base}/{quote(key)}" + (f"?{text}" if text else ""))
        try:
            answer = self.pool.request(
                method,
                url.geturl(),
                body=list(body) or None,
                headers=self._signed(method, url, body, headers or {}),
                preload_content=not stream,
            )
            if answer.status >= 300:
                data = answer.data
                answer.release_conn()
                raise _refusal(answer.status, data)
            return answer
        except urllib3.exceptions.HTTPError as error:
            raise _away() from error

    def put(self, key: str, body: Sequence[bytes], query: dict[str, str] | None = None) -> str:
        """Store a whole object or part, and return its entity tag."""
        crc = 0
        for piece in body:
            crc = google_crc32c.extend(crc, piece)
        headers = {
            "Content-Length": str(sum(map(len, body))),
            "x-amz-checksum-crc32c": base64.b64encode(crc.to_bytes(4, "big")).decode(),
        }
        return self.request("PUT", key, query, body or (b"",), headers).headers["etag"].strip('"')

    def get(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes of an object; the request is made at once. An offset beyond the end is S3Refused, 416."""
        headers = {}
        if offset or length is not None:
            headers["Range"] = f"bytes={offset}-" + ("" if length is None else str(offset + length - 1))
        return _pieces(self.request("GET", key, headers=headers, stream=True))

    def get_json(self, key: str) -> dict | None:
        """A small object of ours; None when there is none."""
        try:
            return json.loads(self.request("GET", key).data)
        except S3Refused as error:
            if error.absent:
                return None
            raise

    def remove(self, key: str) -> None:
        self.request("DELETE", key)

    def items(self, query: dict[str, str], item: str, *, key: str = "", then: dict[str, str]) -> Iterator[dict]:
        """Every <item> of a listing, page by page, as {tag: text}.

        `then` says which query field of the next page comes from which tag of this one.
        """
        while True:
            page = ElementTree.fromstring(self.request("GET", key, query).data)
            for element in page:
                if _tag(element) == item:
                    yield {_tag(child): child.text or "" for child in element}
            top = {_tag(element): element.text or "" for element in page}
            if top.get("IsTruncated") != "true":
                return
            query = query | {field: top[tag] for field, tag in then.items()}

    def _signed(self, method: str, url, body: Sequence[bytes], headers: dict[str, str]) -> dict[str, str]:
        date = minio_time.utcnow()
        signed = sign_v4_s3(
            method=method,
            url=url,
            region=self._region,
            headers={
                "Host": url.netloc,
                "x-amz-date": minio_time.to_amz_date(date),
                "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
                "Content-Length": str(sum(map(len, body))),
                **headers,
            },
            credentials=self._credentials,
            content_sha256="UNSIGNED-PAYLOAD",
            date=date,
        )
        return signed


def _pieces(answer: BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from answer.stream(READ_BYTES, decode_content=False)
    except urllib3.exceptions.HTTPError as error:
        raise _away() from error
    finally:
        answer.close()
        answer.release_conn()


def _refusal(status: int, data: bytes) -> Exception:
    try:
        fields = {_tag(child): child.text or "" for child in ElementTree.fromstring(data)}
    except ElementTree.ParseError:
        fields = {}
    code = fields.get("Code", "")
    if status == 507 or code in _FULL:
        return StoreFull(
            "The object store has no room left. Free or add space, then go on; nothing stored was lost.",
            retry_after_s=30,
        )
    if status >= 500 or status == 429 or code in _AWAY:
        return _away()
    return S3Refused(status, code, fields.get("Message", ""))


def _away() -> Unavailable:
    return Unavailable("The object store cannot be reached. Call again.", retry_after_s=1)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
