"""Laws of tables: what a program saves is read alike in every encoding, and no quote eats lines."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songkey.cells import NoTableError, lines_of, text_of, told

TEXT = "path\tkey\r\nDvořák – Größe.mp3\tC minor\r\n白鳥.mp3\tF♯m\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_reads_alike_in_every_encoding_with_and_without_its_mark(encoding):
    assert text_of(TEXT.encode(encoding)) == TEXT
    assert text_of(("\ufeff" + TEXT).encode("utf-16-be")) == TEXT


def test_a_utf_16_text_that_was_cut_is_read_up_to_its_end():
    assert text_of(TEXT.encode("utf-16")[:-1]).startswith(TEXT[:-1])


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_what_is_not_utf_8_is_told_as_windows_saves_it_cell_by_cell(encoding):
    data = "a\tGröße\n".encode(encoding) + "b\tGröße\n".encode()
    lines = lines_of(text_of(data), "\t")
    assert [list(map(told, line)) for line in lines] == [["a", "Größe"], ["b", "Größe"]]
    assert lines[0][1].encode("utf-8", "surrogateescape") == "Größe".encode(encoding)
    assert told(text_of(b"caf\x81\xe9")) == "caf\x81é"


def test_between_tabs_a_quote_is_a_letter_unless_the_whole_cell_is_quoted():
    text = '"path"\t"key"\n"Heroes.flac\tC minor\n12" mix.flac\tAm\n"a, ""b"".flac"\tF#m\n"\t""\n'
    assert lines_of(text, "\t") == [
        ["path", "key"], ['"Heroes.flac', "C minor"], ['12" mix.flac', "Am"],
        ['a, "b".flac', "F#m"], ['"', ""],
    ]  # fmt: skip
    assert lines_of('a\tb\n"x\ty"\tz\n"x\ty"\n', "\t")[1:] == [["x\ty", "z"], ['"x', 'y"']]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=9))
def test_a_text_in_utf_8_is_itself_however_short(text):
    assert text_of(text.encode()) == text_of(text.encode("utf-8-sig")) == text


cells = st.text(st.characters(codec="utf-8", exclude_characters="\t\r\n\0"), max_size=9)
tables = st.lists(st.lists(cells, min_size=2, max_size=2), max_size=5)


@given(tables, st.sampled_from(["excel", "excel-tab"]), st.booleans())
def test_what_python_s_writer_saves_is_read_back_from_csv_and_tsv(table, dialect, all_quoted):
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    csv.writer(file, dialect, quoting=quoting).writerows(table)
    lines = lines_of(file.getvalue(), "\t" if dialect == "excel-tab" else ",", strict=True)
    assert lines == table


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_quote_in_a_csv_that_is_never_closed_is_refused_with_its_line(end):
    text = f'path,key\n"two\nlines.mp3",C\n12" mix.mp3,Am\n"Heroes.flac,Cm\na.flac,Am{end}'
    with pytest.raises(NoTableError, match="a quote in line 5 is never closed; close it, or save"):
        lines_of(text, ",")
    assert lines_of(text.replace('"Heroes', "Heroes"), ",")[2:] == [
        ['12" mix.mp3', "Am"], ["Heroes.flac", "Cm"], ["a.flac", "Am"],
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_by_which_excel_is_told_what_is_between_cells_is_none_of_the_table(line):
    assert lines_of(f"{line}\r\na,b,c;d\r\n", strict=True) == [["a,b,c", "d"]]
    assert lines_of("sep=\t\na,b\tc\n") == [["a,b", "c"]]
    with pytest.raises(NoTableError, match="a quote in line 3 is never closed"):
        lines_of(f'{line}\na;b\n"c;d\n')


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"ID3\x04\x00\x00\xff\xfb\x90" * 9, "bytes of 0"), (b"x" * 200_000, "field larger")],
)
def test_what_is_no_table_is_refused(data, message):
    with pytest.raises(NoTableError, match=message):
        lines_of(text_of(data), "\t")
