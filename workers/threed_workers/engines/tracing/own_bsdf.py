"""What BSDFs of our own have in common. Mitsuba's LLVM variant alone runs BSDFs of Python."""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def own_bsdf(mi: Any) -> type:
    """A BSDF whose `eval` and `pdf` are the two answers of its `eval_pdf`. (nanobind takes one base, so no mixin.)"""

    class Own(mi.BSDF):
        def eval(self, context: Any, si: Any, wo: Any, active: Any = True) -> Any:
            return self.eval_pdf(context, si, wo, active)[0]

        def pdf(self, context: Any, si: Any, wo: Any, active: Any = True) -> Any:
            return self.eval_pdf(context, si, wo, active)[1]

    return Own
