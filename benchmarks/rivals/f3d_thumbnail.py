"""One picture of a model by F3D without a window: `python f3d_thumbnail.py MODEL PICTURE`."""

import sys

import f3d

f3d.Log.set_verbose_level(f3d.Log.VerboseLevel.QUIET)
engine = f3d.Engine.create_egl()
engine.scene.add(sys.argv[1])
engine.window.size = (1024, 1024)
engine.window.render_to_image(True).save(sys.argv[2])
