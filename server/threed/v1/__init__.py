"""Generated from protos/threed/v1; see protos/generate.py."""
