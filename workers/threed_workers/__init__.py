"""The workers of threed: jobs, formats, geometry, textures and engines."""
