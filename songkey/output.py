"""Where answers are printed, and in which form."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from songkey.errors import AudioKeyError, printable
from songkey.forms import Csv, JsonLines, JsonList
from songkey.row import Columns
from songkey.table import Table

Form = Table | JsonList | JsonLines | Csv

FORMS: dict[str, type[Form]] = {"json": JsonList, "jsonl": JsonLines, "csv": Csv}  # their options


@contextmanager
def form_of(arguments: Namespace, columns: Columns, line: Callable[[str], None]) -> Iterator[Form]:
    """The form that was asked for, of lines; what is in it is printed, however the block ends."""
    chosen = next((form for name, form in FORMS.items() if getattr(arguments, name)), Table)
    with ExitStack() as stack:
        if arguments.csv and arguments.csv != "-":
            file = stack.enter_context(_table(Path(arguments.csv).expanduser()))
            line = partial(print, file=file, flush=True)
        form = chosen(columns, line)
        form.begin()
        try:
            yield form
        finally:
            form.end()


def _table(path: Path) -> TextIO:
    """The file, emptied, to write to; AudioKeyError where that cannot be."""
    try:
        return open(path, "w", encoding="utf-8", newline="")
    except OSError as error:
        raise AudioKeyError(
            f"--csv {printable(path)}: cannot be written ({error.strerror}); name a file in a "
            "folder that is there"
        ) from None
