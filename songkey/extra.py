"""What is installed only where it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

from songkey.errors import AudioKeyError


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Around imports of what an extra of pyproject.toml brings: AudioKeyError where it lacks."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise AudioKeyError(
            f"this needs `pip install .[{extra}]` ({error.name} is missing)"
        ) from error
