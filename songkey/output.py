"""Where answers are printed, and in which form."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

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
            path = Path(arguments.csv).expanduser()
            file = stack.enter_context(open(path, "w", encoding="utf-8", newline=""))
            line = partial(print, file=file, flush=True)
        form = chosen(columns, line)
        form.begin()
        try:
            yield form
        finally:
            form.end()
