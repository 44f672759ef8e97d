"""Laws of adding to what is packed: nothing lost, doubled or moved, and no old shard touched."""

import errno
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import mutagen
import numpy as np
import pytest
import soundfile
from conftest import contents, pack_synthetic, settings, small_config
from encoded import encode
from hypothesis import Phase, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from pipeline.index import INDEX_NAME, mapped_index
from pipeline.manifest import read_manifest, read_songs, write_manifest
from pipeline.record import read_record
from shards import __main__ as shards
from shards.check import manifest_folders, problems_of
from shards.digests import source_of
from shards.outcome import summary
from shards.pack import pack_shard
from shards.packed import Held
from shards.plan import ChangedSongsError, plan
from shards.prepare import Part, merge, prepare, prepare_part
from shards.settled import settled
from shards.tables import write_split_manifest
from songkey.keys import Key
from songs.ears import Ears
from songs.folder import songs as listed
from songs.song import Song

FEW = ("prepare.songs_per_shard=2", "audio.sample_rate=8000", "prepare.interval_seconds=1.0")


@dataclass
class Collection:
    """A folder of short sounds, packed as the data set "mine" by `pack`."""

    root: Path

    def __post_init__(self):
        self.config = small_config(self.root, *FEW)
        self.folder = self.root / "shards/audio/mine"

    def song(self, song_id: str, seconds: float = 1.5, **fields) -> Song:
        path = self.root / f"{song_id}.wav"
        if not path.exists() or soundfile.info(path).duration != seconds:
            noise = np.random.default_rng(crc32(song_id.encode())).normal(
                0, 0.1, int(seconds * 8000)
            )
            soundfile.write(path, noise, 8000)
        plain = Song(
            song_id, "mine", str(path), Key(0, "major"), f"recording {song_id}", "test", 1.0
        )
        return replace(plain, **fields)

    def pack(self, songs):
        return prepare("mine", songs, [], "audio", self.config)

    def live(self) -> dict[str, tuple[str, str, int]]:
        """Of each song its split, key and intervals, by the index; none may be there twice."""
        found = {}
        for manifest in sorted(self.folder.glob("*/manifest.json.zst")):
            folder = manifest.parent
            index = mapped_index(folder / read_manifest(folder).table(INDEX_NAME))
            for place in range(len(index.songs)):
                song_id = index.songs.song_id[place]
                assert song_id not in found
                count = int((index.song == place).sum())
                found[song_id] = folder.name, int(index.songs.key_id[place]), count
        return found

    def identities(self) -> dict[str, str]:
        """Of each song what its sound was found to be when it was packed."""
        folders = [path.parent for path in self.folder.glob("*/manifest.json.zst")]
        return {song.song_id: song.identity for one in folders for song in read_songs(one)}

    def tars(self) -> dict[str, bytes]:
        return {name: data for name, data in contents(self.folder).items() if "tar" in name}

    def problems(self) -> list[str]:
        return list(problems_of(manifest_folders(self.folder)))


@pytest.fixture
def mine(tmp_path) -> Collection:
    return Collection(tmp_path)


def test_a_new_song_is_a_new_shard_and_no_other_file_of_shards_changes(mine):
    songs = [mine.song(name, split="train") for name in "abcde"]
    mine.pack(songs)
    before, fingerprint = contents(mine.folder), read_manifest(mine.folder / "train").fingerprint
    done = mine.pack([*songs, mine.song("f", split="train")])
    after = contents(mine.folder)
    kept = {name for name in before if name.endswith((".tar", ".json"))}
    assert all(after[name] == before[name] for name in kept)
    assert {n for n in after if n.endswith(".tar")} - kept == {"train/000003.tar"}
    assert mine.live() == {name: ("train", 0, 2) for name in "abcdef"} and not mine.problems()
    assert read_manifest(mine.folder / "train").fingerprint != fingerprint
    assert "  1 added, 0 changed, 0 removed, 5 unchanged" in summary(done).splitlines()


def test_a_changed_label_touches_no_shard_and_changes_back_without_a_trace(mine):
    songs = [mine.song(name, split="train") for name in "abc"]
    mine.pack(songs)
    before, listed = mine.tars(), list(read_songs(mine.folder / "train"))
    changed = replace(songs[1], key=Key(3, "minor"), genre="Polka", confidence=0.5)
    done = mine.pack([songs[0], changed, songs[2]])
    assert mine.tars() == before and mine.live()["b"] == ("train", 15, 2) and not mine.problems()
    assert str(done.counts) == "0 added, 1 changed, 0 removed, 2 unchanged"
    assert done.manifests["train"].songs_by_key == {"C major": 2, str(Key(3, "minor")): 1}
    (of_b,) = (one for one in read_songs(mine.folder / "train") if one.song_id == "b")
    assert (of_b.genre, of_b.confidence, of_b.intervals) == ("Polka", 0.5, 2)
    mine.pack(songs)
    assert list(read_songs(mine.folder / "train")) == listed and not mine.problems()
    assert not list(mine.folder.rglob("changes*"))


def test_a_song_that_is_gone_leaves_the_index_and_comes_back_without_being_packed(mine):
    songs = [mine.song(name, split="train") for name in "abc"]
    mine.pack(songs)
    before = mine.tars()
    gone = mine.pack(songs[:2])
    assert mine.live().keys() == {"a", "b"} and not mine.problems()
    assert sum(shard.intervals for shard in gone.manifests["train"].shards) == 4
    assert str(gone.counts) == "0 added, 0 changed, 1 removed, 2 unchanged"
    assert str(mine.pack(songs).counts) == "1 added, 0 changed, 0 removed, 2 unchanged"
    assert mine.live().keys() == {"a", "b", "c"} and mine.tars() == before


@pytest.mark.parametrize("known", [True, False])
def test_a_song_whose_sound_changed_is_packed_anew_and_the_old_sound_is_gone(mine, known):
    one, two = ({"identity": "1"}, {"identity": "2"}) if known else ({}, {})
    songs = [mine.song(name, split="train") for name in "ab"]
    mine.pack([replace(songs[0], **one), songs[1]])
    before = mine.tars()
    done = mine.pack([mine.song("a", seconds=2.5, split="train", **two), songs[1]])
    assert mine.live() == {"a": ("train", 0, 3), "b": ("train", 0, 2)} and not mine.problems()
    assert mine.tars().items() > before.items()
    assert str(done.counts) == "0 added, 1 changed, 0 removed, 1 unchanged"


def test_a_retagged_file_of_the_same_sound_is_not_packed_again(mine):
    songs = [mine.song(name, split="train", identity=f"sound of {name}") for name in "ab"]
    mine.pack(songs)
    before = mine.tars()
    with open(songs[0].audio_path, "ab") as file:
        file.write(b"a tag at the end")
    sound = mine.identities()["a"]
    mine.pack(
        [replace(songs[0], key=Key(2, "minor"), identity=sound), replace(songs[1], identity="")]
    )
    assert mine.tars() == before and mine.live()["a"] == ("train", 14, 2)


@pytest.mark.parametrize("shared", ["recording_id", "identity", "name"])
@pytest.mark.parametrize("alive", [True, False])
def test_a_new_song_joins_the_split_that_its_recording_is_packed_in(mine, shared, alive):
    marks = {f"{number}": f"shared {number}" for number in range(12)}
    heard = shared == "identity"  # which packing hears for itself
    first = [mine.song(one, **({} if heard else {shared: mark})) for one, mark in marks.items()]
    mine.pack(first)
    if heard:
        marks = mine.identities()
    split_of = {song_id: split for song_id, (split, _, _) in mine.live().items()}
    assert len(set(split_of.values())) == 3
    for one in marks:
        shutil.copy(mine.root / f"{one}.wav", mine.root / f"copy {one}.wav")
    copies = [mine.song(f"copy {one}", **{shared: mark}) for one, mark in marks.items()]
    mine.pack([*(first if alive else []), *copies])
    for number in range(12):
        assert mine.live()[f"copy {number}"][0] == split_of[str(number)]
    assert not mine.problems()


def test_a_new_song_of_a_recording_in_two_splits_is_left_out_and_the_packed_ones_stay(mine):
    songs = [
        mine.song("a", split="train", name="x - y"),
        mine.song("b", split="valid", name="x - y"),
    ]
    mine.pack(songs)
    songs = [replace(song, split="") for song in songs]
    done = mine.pack([*songs, mine.song("c", name="x - y")])
    (left_out,) = done.left_out
    assert (left_out.song_id, left_out.reason) == ("c", "recording in two splits: train, valid")
    assert str(done.counts) == "0 added, 0 changed, 0 removed, 2 unchanged"
    assert {song: split for song, (split, _, _) in mine.live().items()} == {
        "a": "train", "b": "valid"
    }  # fmt: skip


@pytest.mark.parametrize(("today", "place"), [("v - w", "valid"), ("", "none")])
def test_a_name_that_was_corrected_claims_no_split_any_more_one_that_is_gone_does(
    mine, today, place
):
    songs = [
        mine.song("a", split="train", name="x - y"),
        mine.song("b", split="valid", name="x - y"),
    ]
    mine.pack(songs)
    songs = [replace(songs[0], split="", name=today), replace(songs[1], split="")]
    mine.pack([*songs, mine.song("c", name="x - y")])
    assert mine.live().get("c", ("none",))[0] == place


def test_the_user_s_own_word_moves_a_packed_song_and_back(mine):
    songs = [mine.song(name, split="train") for name in "abc"]
    mine.pack(songs)
    mine.pack([replace(songs[0], split="test"), *songs[1:]])
    assert mine.live()["a"] == ("test", 0, 2) and len(mine.live()) == 3 and not mine.problems()
    moved = mine.tars()
    mine.pack(songs)
    assert mine.live()["a"] == ("train", 0, 2) and len(mine.live()) == 3
    assert mine.tars() == moved


@pytest.fixture
def moved(mine):
    """Of songs in train the first, which the user has moved to test, in words no longer said."""
    songs = [mine.song(name, split="train") for name in "abcdefgh"]
    mine.pack(songs)
    mine.pack([replace(songs[0], split="test"), *songs[1:]])
    songs = [replace(song, split="") for song in songs]
    mine.pack(songs)
    return songs


@pytest.mark.parametrize("seconds", [1.5, 2.5])
@pytest.mark.parametrize("name", ["a", "renamed", "copy"])
def test_what_comes_of_a_moved_song_goes_where_it_was_moved_to(mine, moved, name, seconds):
    old = moved if name == "copy" else moved[1:]
    new = mine.song(name, seconds, recording_id=moved[0].recording_id)
    done = mine.pack([*(song for song in old if song.song_id != name), new])
    assert not done.left_out and not mine.problems()
    assert mine.live()[name] == ("test", 0, round(seconds + 0.5))
    before = contents(mine.folder)
    mine.pack([*old, new])
    assert contents(mine.folder) == before


def test_a_song_that_moved_and_has_its_old_sound_again_stays_where_it_is(mine, moved):
    mine.pack([replace(moved[0], content="other"), *moved[1:]])
    for sound in ("1", "2", "1"):
        mine.pack([mine.song("a", 1.0 + int(sound), identity=sound), *moved[1:]])
        assert mine.live()["a"][0] == "test" and not mine.problems()


def test_a_recording_that_left_two_splits_comes_back_to_one(mine, moved):
    mine.pack(moved[1:])
    copies = [mine.song(one, 2.5, recording_id=moved[0].recording_id) for one in ("x", "y")]
    assert not mine.pack([*moved[1:], *copies]).left_out
    back = [*moved, *copies]
    mine.pack(back)
    assert {mine.live()[one][0] for one in ("a", "x", "y")} == {"test"} and not mine.problems()


def test_the_manifest_before_counts_until_the_new_one_is_written(mine):
    songs = [mine.song(name, split="train") for name in "abcdef"]
    mine.pack(songs[:3])
    before = contents(mine.folder)
    made = plan("mine", songs, "audio", mine.config)
    train = made.splits[0]
    assert [task.name for task in train.missing] == ["000002", "000003"]
    train.begin()
    pack_shard(train.missing[0])
    assert contents(mine.folder).items() > before.items()
    assert mine.live().keys() == set("abc")
    again = plan("mine", songs, "audio", mine.config).splits[0]
    assert [task.name for task in again.missing] == ["000003"]
    mine.pack(songs)
    once = contents(mine.folder)
    shutil.rmtree(mine.folder)
    mine.pack(songs[:3])
    mine.pack(songs)
    assert contents(mine.folder) == once


def test_what_an_interrupted_run_packed_is_taken_over_when_the_songs_change(mine):
    songs = [mine.song(name, split="train") for name in "abcdefgh"]
    mine.pack(songs[:2])
    made = plan("mine", songs[:7], "audio", mine.config).splits[0]
    for task in made.missing[:2]:
        pack_shard(task)
    packed = mine.tars()
    stray = made.folder / "000009.json"
    stray.write_text(
        read_record(made.folder, "000000.tar")
        .model_copy(update={"shard": "000009.tar"})
        .model_dump_json()
    )
    shutil.copy(made.folder / "000000.tar", made.folder / "000009.tar")
    mine.pack(songs)
    assert mine.live().keys() == set("abcdefgh") and not mine.problems()
    assert mine.tars().items() > packed.items()
    assert "train/000009.tar" not in mine.tars()


def test_parts_and_merge_refuse_shards_of_other_songs_and_say_what_to_do(mine):
    songs = [mine.song(name, split="train") for name in "abcdefgh"]
    for number in (1, 2):
        prepare_part("mine", songs[:6], [], "audio", mine.config, Part(number, 3))
    for again in (
        lambda: prepare_part("mine", songs, [], "audio", mine.config, Part(3, 3)),
        lambda: merge("mine", songs, [], "audio", mine.config),
    ):
        with pytest.raises(ChangedSongsError, match="2 shards .* other songs.*without --part"):
            again()
    mine.pack(songs)
    assert mine.live().keys() == set("abcdefgh") and not mine.problems()


def test_parts_add_to_what_is_packed_as_one_run_does(mine):
    songs = [mine.song(name) for name in "abcdefghijklmnop"]
    mine.pack(songs[:6])
    for number in (2, 1):
        prepare_part("mine", songs, [], "audio", mine.config, Part(number, 2))
    merge("mine", songs, [], "audio", mine.config)
    in_parts = contents(mine.folder)
    shutil.rmtree(mine.folder)
    mine.pack(songs[:6])
    mine.pack(songs)
    assert contents(mine.folder) == in_parts and len(mine.live()) == 16


def test_a_file_that_was_left_out_is_tried_again_once_it_is_another(mine):
    songs = [mine.song(name, split="train") for name in "ab"]
    whole = Path(songs[1].audio_path).read_bytes()
    Path(songs[1].audio_path).write_bytes(b"<html>404</html>")
    assert [one.song_id for one in mine.pack(songs).left_out] == ["b"]
    songs.append(mine.song("c", split="train"))
    second = mine.pack(songs)
    assert [one.song_id for one in second.left_out] == ["b"]
    assert str(second.counts) == "1 added, 0 changed, 0 removed, 1 unchanged"
    assert str(mine.pack(songs).counts) == "0 added, 0 changed, 0 removed, 2 unchanged"
    Path(songs[1].audio_path).write_bytes(whole)
    third = mine.pack(songs)
    assert not third.left_out
    assert str(third.counts) == "1 added, 0 changed, 0 removed, 2 unchanged"
    assert mine.live().keys() == set("abc") and not mine.problems()
    assert "b" not in (mine.folder / "left_out.tsv").read_text()


@pytest.mark.parametrize("reason", ["not readable: Permission denied", "file not found: check"])
def test_a_file_that_could_not_be_read_is_tried_once_it_can_be(mine, monkeypatch, reason):
    song = mine.song("a")
    held = Held("train", "000000", "a", source_of(song), None, None, False, reason)

    def refuse(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as closed:
        closed.setattr(os, "open", refuse)
        assert not settled([song], [held], [], mine.config.split).new
    assert [*settled([song], [held], [], mine.config.split).new.values()] == [[song]]
    Path(song.audio_path).unlink()
    assert not settled([song], [held], [], mine.config.split).new


def test_shards_that_were_packed_before_generations_are_valid_as_they_are(mine):
    """Then a record held a digest of all songs, and no rule of splits."""
    songs = [mine.song(name, split="train") for name in "abc"]
    mine.pack(songs)
    folder = mine.folder / "train"
    for path in folder.glob("*.json"):
        record = read_record(folder, f"{path.stem}.tar")
        entries = tuple(one.model_copy(update={"source": ""}) for one in record.songs)
        old = record.settings.model_copy(update={"songs": "3 songs, 0b1c", "split_rule": ""})
        path.write_text(
            record.model_copy(update={"settings": old, "songs": entries}).model_dump_json()
        )
    manifest = write_split_manifest(folder, ["000000", "000001"], old, generation=0)
    write_manifest(folder, manifest)
    before = mine.tars()
    assert mine.pack(songs).manifests["train"].fingerprint == manifest.fingerprint
    mine.pack([*songs, mine.song("d", split="train")])
    assert mine.tars().items() > before.items() and mine.live().keys() == set("abcd")
    assert not mine.problems()


def test_a_digest_of_an_earlier_version_is_as_good_as_none_and_told_anew(mine):
    mine.pack([mine.song(name, split="train") for name in "abc"])
    folder, sounds = mine.folder / "train", mine.identities()
    for path in folder.glob("*.json"):
        text = path.read_text()
        for sound in sounds.values():
            text = text.replace(sound, sound[:16])
        path.write_text(text)
    packed = read_record(folder, "000000.tar").settings
    write_manifest(folder, write_split_manifest(folder, ["000000", "000001"], packed, generation=0))
    assert set(mine.identities().values()) == {""}
    before = mine.tars()
    mine.pack([mine.song(name, split="train", identity=sounds[name]) for name in "abc"])
    assert mine.tars() == before and mine.identities() == sounds and not mine.problems()


def test_a_damaged_shard_of_an_older_generation_is_packed_again_alone(mine):
    songs = [mine.song(name, split="train") for name in "abcdef"]
    mine.pack(songs[:4])
    mine.pack(songs)
    before = mine.tars()
    (mine.folder / "train/000001.tar").unlink()
    mine.pack(songs)
    assert mine.live().keys() == set("abcdef") and not mine.problems()
    kept = {name: data for name, data in before.items() if "000001" not in name}
    assert mine.tars().items() >= kept.items()


def test_of_a_song_that_is_in_two_shards_one_counts_once_the_manifest_is_made_anew(mine):
    songs = [mine.song(name, split="train") for name in "abc"]
    mine.pack(songs)
    train = mine.folder / "train"
    shutil.copy(train / "000000.tar", train / "000007.tar")
    record = read_record(train, "000000.tar").model_copy(update={"shard": "000007.tar"})
    (train / "000007.json").write_text(record.model_dump_json())
    (train / "manifest.json.zst").unlink()
    mine.pack(songs)
    assert mine.live().keys() == set("abc") and not mine.problems()


def test_a_second_command_is_told_who_holds_the_shards(mine, called):
    from shards.lock import sole_writer

    with sole_writer(mine.root / "shards/audio/synthetic"):
        done = called(shards.main, "pack", "synthetic", *settings(mine.root))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "audio/synthetic: process " in done.stderr and "is changing these" in done.stderr
    pack_synthetic(small_config(mine.root, "datasets.synthetic.songs=16"))
    assert not list(mine.root.rglob("*.lock"))


ANY_SONG = st.fixed_dictionaries(
    {
        "seconds": st.sampled_from([0.5, 1.5]),
        "key": st.sampled_from([Key(0, "major"), Key(9, "minor")]),
        "recording_id": st.sampled_from(["x", "y", "z"]),
        "split": st.sampled_from(["", "", "train", "test"]),
    }
)
LISTINGS = st.lists(
    st.dictionaries(st.sampled_from("abcdef"), ANY_SONG, min_size=1), min_size=2, max_size=4
)


@given(LISTINGS, st.booleans())
@effort(max_examples=25, phases=[Phase.generate])  # to shrink takes minutes
def test_after_any_listings_the_index_holds_each_song_of_the_last_once(listings, interrupted):
    with tempfile.TemporaryDirectory() as folder:
        mine, tars, last = Collection(Path(folder)), {}, {}
        for listing in listings:
            songs = [mine.song(name, **fields) for name, fields in listing.items()]
            if interrupted:
                for split in plan("mine", songs, "audio", mine.config).splits:
                    split.begin()
                    for task in split.missing[:1]:
                        pack_shard(task)
            before = {song_id: split for song_id, (split, _, _) in mine.live().items()}
            done = mine.pack(songs)
            live = mine.live()
            left_out = Counter(one.song_id for one in done.left_out)
            assert Counter(live.keys()) + left_out == Counter(listing.keys())
            assert all(one.kind == "recording in two splits" for one in done.left_out)
            for song_id, (split, key_id, count) in live.items():
                fields = listing[song_id]
                assert (key_id, count) == (fields["key"].id, round(fields["seconds"] + 0.5))
                assert split == (fields["split"] or split)
                same = (fields["seconds"], fields["split"]) == last.get(song_id)
                assert not same or split == before.get(song_id, split)
            assert mine.tars().items() >= tars.items()
            tars = mine.tars()
            last = {song_id: (one["seconds"], one["split"]) for song_id, one in listing.items()}
            again = contents(mine.folder)
            mine.pack(songs)
            assert contents(mine.folder) == again


def test_a_silent_file_that_sounds_today_is_packed_though_its_size_is_the_same(mine):
    song = mine.song("a", split="train")
    sound = Path(song.audio_path).read_bytes()
    soundfile.write(song.audio_path, np.zeros(12_000), 8_000)
    mine.pack([song, mine.song("b", split="train")])
    assert mine.live().keys() == {"b"}
    Path(song.audio_path).write_bytes(sound)
    mine.pack([replace(song, identity="0123456789abcdef"), mine.song("b", split="train")])
    assert mine.live().keys() == {"a", "b"} and not mine.problems()


def test_a_download_that_was_cut_off_and_is_whole_today_is_packed_anew_once(mine):
    path = mine.root / "music/C major/a.mp3"
    path.parent.mkdir(parents=True)
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 16 * 44_100)
    # In which no header says how long it is, as in an MP3 of one bitrate.
    whole = encode(mine.root / "a.mp2", noise).read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])

    def pack():
        ears = Ears(1, mine.root / "cache")
        songs, left_out = listed(mine.root / "music", "mine", ears=ears)
        return prepare("mine", songs, left_out, "audio", mine.config)

    pack()
    (cut_off,) = mine.live().values()
    assert str(pack().counts) == "0 added, 0 changed, 0 removed, 1 unchanged"
    path.write_bytes(whole)
    assert str(pack().counts) == "0 added, 1 changed, 0 removed, 0 unchanged"
    (complete,) = mine.live().values()
    assert cut_off[2] == 12 and complete[2] == 16 and not mine.problems()
    tars = mine.tars()
    for text in ("a title", "one that is longer " * 400):
        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        file.tags.add(mutagen.id3.TIT2(text=text))
        file.save()
        pack()
    assert mine.tars() == tars


def test_a_header_that_lies_has_its_song_packed_once_and_not_again(mine):
    song = mine.song("a", seconds=12.5, split="train")
    mine.pack([song])
    lying = replace(song, identity=mine.identities()["a"], seconds=30.0)
    mine.pack([lying])
    assert len([name for name in mine.tars() if name.endswith(".tar")]) == 1
    Path(song.audio_path).write_bytes(Path(song.audio_path).read_bytes() + b"a tag at the end")
    mine.pack([lying])
    assert len([name for name in mine.tars() if name.endswith(".tar")]) == 2
    tars = mine.tars()
    mine.pack([lying, mine.song("b", split="valid")])
    assert mine.tars().items() >= tars.items() and mine.live()["a"] == ("train", 0, 13)


def test_a_song_that_is_lost_and_has_another_sound_today_is_changed_not_added(mine):
    mine.pack([mine.song(name, split="train") for name in "abcd"])
    (mine.folder / "train/000001.tar").unlink()
    done = mine.pack([mine.song(one, 2.5, split="train") for one in "abcd"])
    assert str(done.counts) == "0 added, 4 changed, 0 removed, 0 unchanged"
