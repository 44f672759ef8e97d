"""Laws of notations: each names the 24 keys apart, and a user's table must too."""

import pytest

from songkey.errors import AudioKeyError
from songkey.keys import KEYS, Key, parse_key
from songkey.spelling import NOTATIONS, spelling


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_reads_back_as_the_same_key(notation):
    spell = spelling(notation)
    for key in KEYS:
        text = spell(key)
        alone = notation == "short" and key.mode == "major"  # as ID3 has it
        assert parse_key(text + " major" * alone) == key


def test_flats_and_sharps_hold_none_of_the_other():
    assert not any("#" in spelling("flats")(key) for key in KEYS)
    assert not any("b" in spelling("sharps")(key) for key in KEYS)
    assert {spelling("short")(key) for key in KEYS} >= {"F#m", "Eb", "C", "Cm"}


@pytest.mark.parametrize(
    "name, line", [("mine.toml", '"{}" = "{}"'), ("mine.tsv", "{}\t{}"), ("mine", "{}\t{}")]
)
def test_a_table_of_the_users_gives_each_key_its_name(tmp_path, name, line):
    path = tmp_path / name
    lines = [line.format(key.camelot, f"№ {key.id}") for key in reversed(KEYS)]
    path.write_text("# how I write them\n" + "\n".join(lines) + "\n", "utf-8-sig")
    spell = spelling(str(path))
    assert [spell(key) for key in KEYS] == [f"№ {n}" for n in range(24)]


def table(changes: dict[str, str]) -> str:
    rows = {str(key): f"name {key.id}" for key in KEYS} | changes
    return "".join(f"{key}\t{name}\n" for key, name in rows.items())


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.tsv", table({"C major": ""}), "a.tsv: no name for C major; give all 24 keys one"),
        ("a.tsv", "C major\tdo\n", "a.tsv: no name for Db major, D major"),
        ("a.tsv", table({"8B": "again"}), "a.tsv: C major stands in it twice"),
        ("a.tsv", table({"B minor": "name 0"}), "name 0 is the name of two keys; tell them apart"),
        ("a.tsv", table({"H minor": "x"}), "a.tsv: ambiguous label: 'H minor'"),
        ("a.tsv", "C major do\n", "'C major do' is no key and its name, a tab between them"),
        ("a.tsv", "C major\tdo\tut\n", "'C major do ut' is no key and its name"),
        ("a.toml", "C major = do", "a.toml: not TOML: "),
        ("a.toml", b"\xff\xfe", "a.toml: not in UTF-8; save it anew as UTF-8"),
    ],
)
def test_a_table_that_names_not_each_key_once_is_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AudioKeyError, match=message):
        spelling(str(path))


def test_an_unknown_notation_is_refused_with_the_known_ones():
    with pytest.raises(
        AudioKeyError, match="notation camalot: give standard, flats, .* or the path"
    ):
        spelling("camalot")
    assert spelling("camelot")(Key(9, "minor")) == "8A"
