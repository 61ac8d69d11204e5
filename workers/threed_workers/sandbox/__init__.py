"""Run one step in a process of its own that cannot hurt anything: no network, no files but its own, bounded use.

>>> with Zygote(preload=["numpy"]) as zygote:                                   # doctest: +SKIP
...     child = zygote.start("ingest", {"name": "duck.glb"}, folder, Limits(wall_s=60))
...     for event in child.events():
...         print(event)
...     child.result()
"""

from threed_workers.sandbox.child import Child, Ending
from threed_workers.sandbox.keeper import ENVIRONMENT, Zygote
from threed_workers.sandbox.limits import Limits
from threed_workers.sandbox.places import PLACES
from threed_workers.sandbox.program import Program, spawn_program
from threed_workers.sandbox.remove import remove_folder
from threed_workers.sandbox.resident import Resident

__all__ = [
    "ENVIRONMENT",
    "PLACES",
    "Child",
    "Ending",
    "Limits",
    "Program",
    "Resident",
    "Zygote",
    "remove_folder",
    "spawn_program",
]
