"""Laws of packing in parts: any order, and together the same bytes as packing at once."""

import pytest
from conftest import contents, settings

from shards import __main__ as shards
from shards.prepare import Part, PrepareError, parse_part


def test_parts_in_any_order_and_merged_equal_packing_at_once(packed, called, tmp_path):
    of = ["synthetic", *settings(tmp_path)]
    parts = {}
    for part in ("3/3", "1/3"):
        parts[part] = called(shards.main, "pack", *of, "--part", part).stdout
    assert not list(tmp_path.rglob("manifest*"))
    lacking = called(shards.main, "merge", *of)
    assert lacking.returncode == 1 and lacking.stderr.count("\n") == 1
    assert "3 of 10 shards are missing (train/000001, train/000004, valid/000000)" in lacking.stderr
    parts["2/3"] = called(shards.main, "pack", *of, "--part", "2/3").stdout
    assert {part: line.partition(": /")[0] for part, line in parts.items()} == {
        "1/3": "part 1/3: 4 of 10 shards, 4 packed now",
        "2/3": "part 2/3: 3 of 10 shards, 3 packed now",
        "3/3": "part 3/3: 3 of 10 shards, 3 packed now",
    }
    done = called(shards.main, "merge", *of)
    assert done.returncode == 0 and done.stdout.startswith("48 songs, ")
    assert contents(tmp_path / "shards/audio") == contents(packed / "shards/audio")


def test_a_part_that_is_done_packs_nothing(packed, called):
    before = contents(packed / "shards")
    done = called(shards.main, "pack", "synthetic", *settings(packed), "--part", "2/3")
    assert "shards, 0 packed now" in done.stdout
    assert contents(packed / "shards") == before


def test_a_part_does_not_remove_what_the_others_have_packed(called, tmp_path):
    command = ["pack", "synthetic", "--part", "1/2", "--overwrite", *settings(tmp_path)]
    done = called(shards.main, *command)
    assert done.returncode == 1 and "would remove what other parts have packed" in done.stderr


def test_parts_are_read_and_wrong_ones_refused():
    assert parse_part("3/64") == Part(3, 64)
    for text in ("0/4", "5/4", "3", "a/b", "-1/4", "1/0", "1/4/2", ""):
        with pytest.raises(PrepareError, match=f"--part {text}: write the part and the number of"):
            parse_part(text)
