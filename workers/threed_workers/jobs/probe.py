"""Do nothing, in a confined child like every job: to see that jobs flow, and how fast."""

from __future__ import annotations

from threed_workers.claims import Claim, Outcome


def run(claim: Claim) -> Outcome:
    claim.run("nothing", {})
    return Outcome()
