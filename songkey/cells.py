"""Tables of text as spreadsheets and programs save them: in any encoding, quoted or not."""

import csv
import io
import re

from songkey.errors import AudioKeyError

UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # in the order of its bytes
LOOKED_AT_BYTES = 256
END = "\x1fend of the table"  # what nobody writes
SEPARATOR = re.compile(r'"?sep=([,;\t|])"?\r?(?:\n|$)', re.IGNORECASE)
QUOTED = re.compile(r'"((?:[^"]|"")*)"')


class NoTableError(AudioKeyError):
    """Why bytes are no table of text."""


def text_of(data: bytes) -> str:
    """A text in UTF-8 or UTF-16, with or without the mark that tells which.

    Bytes that are not UTF-8 become lone surrogates, which `told` reads. Raises NoTableError.
    """
    marked = data.startswith(UTF_16_MARKS)
    encoding = "utf-16" if marked else _encoding_without_mark(data[:LOOKED_AT_BYTES])
    text = data.decode(encoding, "surrogateescape" if encoding == "utf-8-sig" else "replace")
    if "\0" in text:
        raise NoTableError("holds bytes of 0")
    return text


def lines_of(text: str, delimiter: str = "", strict: bool = False) -> list[list[str]]:
    """The lines of a table, each as its cells; `strict` refuses quotes out of place in a CSV.

    Blank lines before the first do not count. Without a `delimiter` that tells it: a tab, or more
    commas or semicolons; or it is 'sep=;' and no line of the table, as Excel has it. Between tabs a
    quote is a letter, unless the whole cell stands in quotes. Raises NoTableError, also for a quote
    in a CSV that is never closed: all lines after it would be one cell.
    """
    table = text.lstrip("\r\n")
    if said := SEPARATOR.match(table):
        table, delimiter = table[said.end() :], said[1]
    first_line = 1 + text[: len(text) - len(table)].count("\n")
    delimiter = delimiter or _delimiter(table)
    try:
        if delimiter != "\t":
            return _csv_lines(table, delimiter, strict, first_line)
        file = io.StringIO(table, newline="")
        lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except csv.Error as error:
        raise NoTableError(str(error)) from error
    return [_unquoted(line, len(lines[0])) for line in lines]


def told(cell: str) -> str:
    """A cell as text: bytes that were not UTF-8 as Windows-1252, as old programs save them."""
    if cell.isascii() or is_utf_8(cell):
        return cell
    data = cell.encode("utf-8", "surrogateescape")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def is_utf_8(cell: str) -> bool:
    """Whether a cell of `text_of` was written in UTF-8."""
    return not any("\udc80" <= letter <= "\udcff" for letter in cell)


def _encoding_without_mark(head: bytes) -> str:
    """UTF-16 has a 0 in every other byte of a text in Latin letters."""
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) <= len(head) // 8:
        return "utf-8-sig"
    return "utf-16-be" if first > second else "utf-16-le"


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return "\t" if "\t" in first else max(",;", key=first.count)


def _csv_lines(text: str, delimiter: str, strict: bool, first_line: int) -> list[list[str]]:
    """`first_line` is the number in the file of the text's first."""
    ended = text if text.endswith(("\n", "\r")) or not text else f"{text}\n"
    reader = csv.reader(io.StringIO(ended + END, newline=""), delimiter=delimiter, strict=strict)
    lines: list[list[str]] = []
    begins = next_begins = first_line  # the lines of the file where rows do
    for line in reader:
        if line == [END]:
            return lines
        lines.append(line)
        begins, next_begins = next_begins, first_line + reader.line_num
    raise NoTableError(f"a quote in line {begins} is never closed; close it, or save as TSV")


def _unquoted(line: list[str], width: int) -> list[str]:
    """The cells of a line without a writer's quotes; in one that is too wide they may hold tabs."""
    if len(line) > width:
        (again,) = csv.reader(["\t".join(line)], delimiter="\t")
        if len(again) == width:
            return again
    matches = [(cell, QUOTED.fullmatch(cell)) for cell in line]
    return [match[1].replace('""', '"') if match else cell for cell, match in matches]
