"""Is a document safe to read, and does it make sense? Checked in this order, each step relying on those before it.

Only what would break a reader, or lie to it, refuses a file. Everything else that the specification forbids is the
Khronos validator's to report: widely used files have such errors and still show.
"""

from __future__ import annotations

from threed_workers.budget import Budget
from threed_workers.document.checks.compression import check_compression
from threed_workers.document.checks.graph import check_graph
from threed_workers.document.checks.pictures import check_pictures
from threed_workers.document.checks.primitives import check_primitives
from threed_workers.document.checks.references import check_references
from threed_workers.document.checks.root import check_root
from threed_workers.document.checks.storage import check_storage
from threed_workers.document.checks.values import check_values
from threed_workers.document.model import Document


def check(document: Document, budget: Budget) -> None:
    """Raises a FileRefused that names the JSON pointer; appends what is odd but harmless to `document.issues`."""
    from threed_workers.document.absent import settle_buffers  # It builds on the tables of references.py, in here.

    check_root(document, budget)
    check_references(document)
    check_graph(document, budget)
    settle_buffers(document)
    check_storage(document, budget)
    check_compression(document, budget)
    check_primitives(document, budget)
    check_pictures(document, budget)
    check_values(document)


__all__ = ["check"]
