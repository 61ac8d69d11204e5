"""What checks said, as the `validation` of an asset: Khronos' report and our own issues in one list, worst first."""

from __future__ import annotations

from typing import Any

import threed
from threed.errors import ThreedError

MAX_ISSUES = 100
SEVERITIES = ("ERROR", "WARNING", "INFO", "HINT")
_MAX_TEXT = 2000


def merged(khronos: dict[str, Any] | None, issues: list[dict[str, Any]]) -> dict[str, Any]:
    """The Validation message as JSON with proto field names. `khronos` is the validator's report, or None."""
    counts = dict.fromkeys(SEVERITIES, 0)
    listed = [_own(issue) for issue in issues]
    for issue in listed:
        counts[issue["severity"]] += 1
    truncated = False
    if khronos:
        report = khronos["issues"]
        for severity, name in zip(SEVERITIES, ("numErrors", "numWarnings", "numInfos", "numHints"), strict=True):
            counts[severity] += int(report[name])
        listed.extend(_khronos(message) for message in report.get("messages", []))
        truncated = bool(report.get("truncated"))
    listed.sort(key=lambda issue: SEVERITIES.index(issue["severity"]))
    return {
        "validator": "khronos-gltf-validator" if khronos else "threed",
        "validator_version": khronos["validatorVersion"] if khronos else threed.__version__,
        "error_count": counts["ERROR"],
        "warning_count": counts["WARNING"],
        "info_count": counts["INFO"],
        "hint_count": counts["HINT"],
        "issues": listed[:MAX_ISSUES],
        "truncated": truncated or len(listed) > MAX_ISSUES,
    }


def of_refusal(error: ThreedError) -> dict[str, Any]:
    """The report of a file that could not be read: the one reason."""
    issue = {
        "code": error.reason,
        "severity": "ERROR",
        "pointer": error.metadata.get("where", ""),
        "message": str(error),
    }
    return merged(None, [issue])


def _own(issue: dict[str, Any]) -> dict[str, Any]:
    severity = issue.get("severity")
    return {
        "code": str(issue.get("code", ""))[:128],
        "severity": severity if severity in SEVERITIES else "INFO",
        "pointer": str(issue.get("pointer", ""))[:_MAX_TEXT],
        "message": str(issue.get("message", ""))[:_MAX_TEXT],
    }


def _khronos(message: dict[str, Any]) -> dict[str, Any]:
    place = message.get("pointer") or (f"byte {message['offset']}" if "offset" in message else "")
    severity = SEVERITIES[message["severity"]]
    return _own({"code": message["code"], "severity": severity, "pointer": place, "message": message["message"]})
