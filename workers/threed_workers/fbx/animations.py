"""stub"""


def add_animations(conversion):
    pass
