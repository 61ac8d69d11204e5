"""Where the libraries of a child write beside the step's own files: one folder, easy to leave out of a listing."""

from __future__ import annotations

# Environment variable -> folder in the private folder.
PLACES = {
    "HOME": ".sandbox/home",
    "TMPDIR": ".sandbox/tmp",
    "XDG_CACHE_HOME": ".sandbox/cache",
    "XDG_RUNTIME_DIR": ".sandbox/run",
    "MESA_SHADER_CACHE_DIR": ".sandbox/cache",
}
