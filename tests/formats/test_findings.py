"""What a reader reports is bounded, whatever the file repeats."""

from __future__ import annotations

from threed_workers.document import Builder
from threed_workers.formats.findings import Findings


def reported(findings: Findings):
    document = Builder().finish()
    findings.report(document)
    return document


def test_the_same_mistake_is_told_ten_times_and_counted():
    findings = Findings()
    for number in range(1000):
        findings.error("CODE", f"place {number}", "Wrong.")
    issues = reported(findings).issues
    assert [issue["pointer"] for issue in issues] == [f"place {number}" for number in range(10)]
    assert issues[-1]["message"] == "Wrong. And 990 more like this."


def test_losses_are_counted_by_kind_and_kinds_are_bounded():
    findings = Findings()
    for number in range(1000):
        findings.lose(f"feature {number}", "It is not read.", 2)
    findings.lose("nothing", "There is none.", 0)
    losses = reported(findings).losses
    assert (len(losses), losses[0]["count"]) == (101, 2)
    assert (losses[-1]["feature"], losses[-1]["count"]) == ("others", 1800)


def test_long_texts_are_cut_and_that_is_told():
    findings = Findings()
    assert findings.shortened("short") == "short"
    assert len(findings.shortened("x" * 100_000)) == 65_536
    assert [loss["feature"] for loss in reported(findings).losses] == ["long metadata"]
