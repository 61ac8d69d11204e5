"""Autodesk FBX, as far as glTF can hold it. `formats/fbx.py` is its face; `scene.py` the order of the work.

Autodesk publishes no specification. What is known comes from the documentation of the FBX SDK, from the Blender
developers' notes on the binary container (Blender Foundation 2013), and from files.
"""
