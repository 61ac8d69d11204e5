"""stub"""


def materials_of(conversion, model, surface):
    return {}
