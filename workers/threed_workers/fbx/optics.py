"""stub"""


def add_cameras_and_lights(conversion):
    pass
