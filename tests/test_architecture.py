"""docs/architecture.md keeps its word: both tours can be walked, and each folder is named."""

import re
from pathlib import Path

import pytest
from test_imports import FILES, MAY_IMPORT, ROOT, imported_by, module_of

PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
TOURS = {
    title: re.findall(r"^\d+\. `([\w/]+\.py)`", part, re.MULTILINE)
    for title, part in re.findall(r"^## (A tour [^\n]*)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
}


def test_there_is_a_tour_of_ten_files_and_one_of_five():
    assert [len(files) for files in TOURS.values()] == [10, 5]


@pytest.mark.parametrize("title", TOURS)
def test_each_file_of_a_tour_exists_and_imports_the_next_or_is_imported_by_it(title):
    modules = [module_of(ROOT / file) for file in TOURS[title]]
    assert set(modules) <= FILES.keys()
    for here, following in zip(modules, modules[1:], strict=False):
        assert here in imported_by(following) or following in imported_by(here), following


def test_the_table_names_every_folder_of_ours():
    assert {f"`{folder}/`" for folder in MAY_IMPORT} <= set(re.findall(r"`\w+/`", PAGE))


def test_every_file_that_the_page_names_exists():
    named = re.findall(r"`((?:\w+/)+\w+\.\w+)`", PAGE)
    assert named
    assert [file for file in named if not Path(ROOT, file).is_file()] == []
