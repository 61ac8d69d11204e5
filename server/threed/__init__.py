"""The open-source backend for 3D assets. This package is the system; `threed_workers` adds the heavy libraries."""

__version__ = "0.1.0"
