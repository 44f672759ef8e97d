"""A number of things, as a message says it."""


def counted(number: int, thing: str) -> str:
    """'1 song of ncs', '2 songs of ncs': the first word of `thing` takes an s unless it is one."""
    noun, space, rest = thing.partition(" ")
    return f"{number} {noun}{'' if number == 1 else 's'}{space}{rest}"
