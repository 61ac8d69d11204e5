"""The encoders by name, for every container."""

from __future__ import annotations

from threed_workers.films import av1, h264
from threed_workers.films.plan import Plan
from threed_workers.films.track import Track

_ENCODERS = {"AV1": av1.encode, "H264": h264.encode}


def encoded(plan: Plan) -> Track:
    """The frames, laid over white where they are transparent, by the codec of the plan."""
    return _ENCODERS[plan.codec](plan)
