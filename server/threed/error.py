"""What every error of the table in `threed.errors` has."""

from __future__ import annotations

from threed.codes import Code

DOMAIN = "threed.dev"


class ThreedError(Exception):
    """The root of the table. `metadata` holds every variable of the sentence; `violations` are (field, description).

    `retry_after_s` (seconds) becomes google.rpc.RetryInfo when set.
    """

    code: Code
    reason: str

    def __init__(
        self,
        message: str,
        *,
        violations: tuple[tuple[str, str], ...] = (),
        retry_after_s: float | None = None,
        **metadata: object,
    ):
        super().__init__(message)
        self.message = message
        self.violations = violations
        self.retry_after_s = retry_after_s
        self.metadata = {key: str(value) for key, value in metadata.items()}
