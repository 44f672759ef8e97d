"""What ends a program while it still imports, in one line: a missing library, or Ctrl-C."""

import os
import sys
from importlib.util import find_spec
from types import TracebackType

OF_LIBRARY = {"dask": "cluster", "distributed": "cluster"}
OF_PROGRAM = {"shards": "prepare", "study": "sweep"}  # folders of programs; [train] is the others'


def explain(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Print an exception that nothing caught, as Python does but for those two."""
    library = error.name if isinstance(error, ModuleNotFoundError) else None
    is_missing = library and not find_spec(library.partition(".")[0])
    if os.environ.get("AKC_DEBUG") or not (is_missing or isinstance(error, KeyboardInterrupt)):
        sys.__excepthook__(kind, error, traceback)
        return
    if not library:
        print("interrupted; nothing was begun; give the same command again", file=sys.stderr)
        sys.exit(130)
    extra = OF_LIBRARY.get(library.partition(".")[0]) or OF_PROGRAM.get(_folder(), "train")
    print(f"error: this needs `pip install .[{extra}]` ({library} is missing)", file=sys.stderr)


def _folder() -> str:
    """Of the program that runs: 'shards' of `python -m shards`, '' of `python train.py`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec.name.partition(".")[0] if spec else ""


# When this is imported, before what may be missing is: after that it would be too late.
sys.excepthook = explain

# Torch imports it too, and then swallows Ctrl-C and goes on without it.
import numpy  # noqa: E402, F401
