"""A program that lacks a library says which extra of pyproject.toml brings it."""

import os
import sys
from importlib.util import find_spec
from types import TracebackType

OF_LIBRARY = {"dask": "cluster", "distributed": "cluster"}
OF_PROGRAM = {"shards": "prepare", "study": "sweep"}  # folders of programs; [train] is the others'


def explain(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print an exception that nothing caught: of a library that is not installed, one line."""
    library = error.name if isinstance(error, ModuleNotFoundError) else None
    if not library or find_spec(library.partition(".")[0]) or os.environ.get("AKC_DEBUG"):
        sys.__excepthook__(kind, error, traceback)
        return
    extra = OF_LIBRARY.get(library.partition(".")[0]) or OF_PROGRAM.get(_folder(), "train")
    print(f"error: this needs `pip install .[{extra}]` ({library} is missing)", file=sys.stderr)


def _folder() -> str:
    """Of the program that runs: 'shards' of `python -m shards`, '' of `python train.py`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec.name.partition(".")[0] if spec else ""


# When this is imported, before what may be missing is: after that it would be too late.
sys.excepthook = explain
