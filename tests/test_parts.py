"""Laws of packing in parts: any order, and together the same bytes as packing at once."""

import os

import pytest
from conftest import contents, settings

from shards import __main__ as shards
from shards import lock
from shards.lock import part_writer
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


@pytest.mark.parametrize("others", [["merge"], ["compact"], ["pack"], ["pack", "--part", "1/2"]])
def test_beside_a_part_only_other_parts_may_write(packed, called, others):
    root = packed / "shards/audio/synthetic"
    before = contents(root)
    with part_writer(root, 1, 2):
        done = called(shards.main, others[0], "synthetic", *others[1:], *settings(packed))
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert f"{root}: process {os.getpid()} on " in done.stderr
        other = called(shards.main, "pack", "synthetic", "--part", "2/2", *settings(packed))
        assert other.returncode == 0
    assert contents(root) == before


def test_a_part_waits_for_those_that_look_and_refuses_beside_a_sole_writer(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LONGEST_LOOK_SECONDS", 0.1)
    with (
        lock.sole_writer(tmp_path),
        pytest.raises(lock.BusyError, match="is changing these shards"),
        part_writer(tmp_path, 1, 2),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_who_holds_the_shards_is_named_by_the_whole_words_with_which_its_command_begins(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("sys.argv", ["/usr/bin/shards", "pack", *["--set", "train.seed=1"] * 50])
    words = r"\(shards pack( --set train\.seed=1){2,}( --set)? \.\.\.\)"
    with (
        lock.sole_writer(tmp_path),
        pytest.raises(lock.BusyError, match=f"{words} is changing these shards"),
        lock.sole_writer(tmp_path),
    ):
        pass


def test_the_lock_of_a_part_that_was_killed_is_free(tmp_path):
    (tmp_path / ".part-1-of-2.lock").write_text("process 1 on nowhere")
    with lock.sole_writer(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [lock.LOCK_NAME]
