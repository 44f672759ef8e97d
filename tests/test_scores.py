from collections import Counter
from pathlib import Path

import mido
import numpy as np
import pytest

from settings.datasets import Scores
from songkey.keys import Key
from songs.corpus import corpus_files
from songs.notation import transcripts
from songs.notetable import NoteTable, save_transcripts
from songs.scores import parse_path, render, songs, songs_of
from songs.song import LeftOut
from songs.tonality import agrees, closing_tones, key_by_signature
from songs.written import make_table
from synthesis.harmonise import harmonised
from synthesis.performance import performed
from synthesis.score import Note
from synthesis.transcript import Transcript, degree_shares

SCALE = (0, 2, 4, 5, 7, 9, 11)
REEL = """X:1
T:A reel
M:4/4
L:1/8
K:{key}
dfaf dfaf|gbeb gbeb|dfaf dfaf|afed e2d2|dfaf dfaf|gbeb gbeb|afge fdec|d4 d4|]
"""


def tune(tonic: int = 0) -> Transcript:
    """Two octaves of a major scale up and down, closing on its tonic."""
    degrees = [12 * octave + degree for octave in range(2) for degree in SCALE]
    pitches = [60 + tonic + degree for degree in [*degrees, *degrees[::-1], 0, 0, 0, 0]]
    notes = tuple(Note(float(start), 1.0, pitch, 0.8) for start, pitch in enumerate(pitches))
    return Transcript("scale", Key(tonic, "major"), 4.0, (notes,))


def duet(tonic: int = 0) -> Transcript:
    """The same with a second part on the tonic."""
    (notes,) = tune(tonic).parts
    held = tuple(Note(float(start), 4.0, 48 + tonic, 0.8) for start in range(0, 32, 4))
    return Transcript("duet", Key(tonic, "major"), 4.0, (notes, held))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "notes.npz"
    save_transcripts(path, [tune(), duet(5), tune(9)])
    return path


def test_a_table_gives_back_what_was_saved(table):
    opened = NoteTable(table)
    assert [opened[index] for index in range(len(opened))] == [tune(), duet(5), tune(9)]
    assert opened.tunes.tolist() == [0, 2] and opened.ensembles.tolist() == [1]


@pytest.mark.parametrize("transcript", [tune(3), duet(3)], ids=["tune", "duet"])
def test_a_performance_in_another_key_is_the_same_moved(transcript):
    for seed in range(8):
        low = performed(transcript, Key(3, "major"), 8.0, np.random.default_rng(seed))
        high = performed(transcript, Key(5, "major"), 8.0, np.random.default_rng(seed))
        for before, after in zip(low.layers, high.layers, strict=True):
            moved = Counter((note.pitch + 2) % 12 for note in before.notes)
            assert moved == Counter(note.pitch % 12 for note in after.notes)


def test_songs_of_a_table_are_the_same_whatever_the_count_and_their_key_is_that_of_their_notes(
    table,
):
    many, few = songs(str(table), 20, 4.0, seed=1), songs(str(table), 4, 4.0, seed=1)
    assert many[:4] == few
    assert len({song.key for song in many}) > 6 and {song.key.mode for song in many} == {"major"}
    assert {song.recording_id for song in many} == {"scores-0", "scores-1", "scores-2"}
    for song in few:
        waveform = render(song.audio_path, 8000)
        assert waveform.shape == (32_000,) and np.sqrt(np.mean(waveform**2)) > 0.003


def test_chords_found_for_a_tune_hold_its_tones_and_close_on_the_tonic():
    rng = np.random.default_rng(0)
    spans = harmonised(list(tune().parts[0]), Key(0, "major"), 4.0, rng)
    assert spans[-1].chord.pitch_classes == (0, 4, 7)
    assert {tone for span in spans for tone in span.chord.pitch_classes} <= {*SCALE, 10}
    assert sum(span.beats for span in spans) == 32


def test_of_a_signatures_two_keys_that_counts_on_whose_tonic_the_piece_closes():
    parts = tune(2).parts
    assert key_by_signature(2, parts, 4.0) == Key(2, "major")
    assert key_by_signature(1, parts, 4.0) is None  # G major or E minor
    assert agrees(Key(2, "major"), parts, 4.0) and not agrees(Key(2, "minor"), parts, 4.0)
    assert closing_tones(list(parts[0]), 4.0) == {2}
    assert degree_shares(tune(2))[list(SCALE)].sum() == pytest.approx(1)


def test_abc_files_say_their_keys_and_a_label_that_the_notes_deny_leaves_a_tune_out(tmp_path):
    path = tmp_path / "reel.abc"
    found = {}
    for key in ("D", "Bm", "Dm"):
        path.write_text(REEL.format(key=key))
        (found[key],) = transcripts(path, "reel", None)
    assert found["D"].key == Key(2, "major") and found["D"].bar_beats == 4.0
    assert sum(map(len, found["D"].parts)) == 56 and found["D"].beats == 32
    assert found["Bm"] == LeftOut("reel", "no key that its notes bear out")
    (labelled,) = transcripts(path, "reel", Key(2, "minor"))
    assert labelled.key == Key(2, "minor")  # a person said so


def test_a_midi_file_gives_its_channels_as_parts_and_no_drums(tmp_path):
    midi = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.MetaMessage("key_signature", key="C", time=0)])
    for pitch in [note.pitch for note in tune().parts[0]]:
        for channel in (0, 9):
            track.append(mido.Message("note_on", note=pitch, channel=channel, velocity=64, time=0))
        for channel, ticks in ((0, 480), (9, 0)):
            track.append(mido.Message("note_off", note=pitch, channel=channel, time=ticks))
    midi.tracks.append(track)
    midi.save(tmp_path / "scale.mid")
    (found,) = transcripts(tmp_path / "scale.mid", "scale", None)
    assert found == tune()


def test_files_that_cannot_be_read_or_hold_too_little_are_left_out_with_the_reason(tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"no music")
    (tmp_path / "short.abc").write_text("X:1\nM:4/4\nL:1/4\nK:C\nC E G c|]\n")
    for name, reason in (("broken.mid", "cannot be read"), ("short.abc", "fewer than 24 notes")):
        (left_out,) = transcripts(tmp_path / name, name, None)
        assert left_out.kind == reason


def test_the_corpus_leaves_out_keyboard_music_and_what_is_not_free(tmp_path):
    free = ["bach/bwv66.6.mxl", "bach/bwv415.mxl", "oneills1850/0001-0050.abc"]
    not_free = [
        "bach/bwv846.mxl",
        "essenFolksong/han1.abc",
        "mozart/k545/movement1.mxl",
        "chopin/a.krn",
    ]
    for name in (*free, *not_free):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in corpus_files(tmp_path)] == sorted(
        free
    )


@pytest.mark.parametrize("path", ["scores:a.npz:1:2", "scores:a.npz:x:1:20", "synthetic:0:1:20"])
def test_a_path_that_names_no_song_is_refused(path):
    with pytest.raises(ValueError, match="names no song; write scores:<table>:<seed>"):
        parse_path(path)


def test_a_folder_becomes_a_table_once_and_its_labels_come_before_the_files_own_keys(tmp_path):
    music = tmp_path / "music"
    music.mkdir()
    (music / "reel.abc").write_text(REEL.format(key="D"))
    (music / "other.abc").write_text(REEL.format(key="D"))
    (music / "denied.abc").write_text(REEL.format(key="Bm"))
    (music / "none.abc").write_text(REEL.format(key="D"))
    (music / "labels.tsv").write_text("path\tkey\nother.abc\tD minor\nnone.abc\tn/a\n")
    setting = Scores(
        path=str(music), table=str(tmp_path / "notes.npz"), songs=8, song_seconds=4.0, seed=0
    )
    made, left_out = songs_of(setting)
    assert [one.song_id for one in left_out] == ["denied.abc", "none.abc"]
    assert left_out[1].reason == "no key"
    assert {song.key.mode for song in made} == {"major", "minor"}
    assert songs_of(setting) == (made, [])
    assert [one.name for one in map(NoteTable(Path(setting.table)).__getitem__, range(2))] == [
        "other.abc", "reel.abc",
    ]  # fmt: skip


def test_a_folder_without_music_or_with_a_label_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no written music in it; looked for .abc .krn"):
        make_table(str(tmp_path), tmp_path / "notes.npz")
    (tmp_path / "reel.abc").write_text(REEL.format(key="Bm"))
    with pytest.raises(ValueError, match=r"no piece with a key in .*; give keys in its labels.tsv"):
        make_table(str(tmp_path), tmp_path / "notes.npz")
    (tmp_path / "labels.tsv").write_text("path\tkey\nreel.abc\tH\n")
    with pytest.raises(ValueError, match=r"left out: 1 ambiguous label \(reel.abc\)"):
        make_table(str(tmp_path), tmp_path / "notes.npz")
    (tmp_path / "labels.tsv").write_text("path\tkey\nreel.abc\tD\nreel.abc\tE\n")
    with pytest.raises(ValueError, match=r"left out: 1 conflicting labels \(reel.abc\)"):
        make_table(str(tmp_path), tmp_path / "notes.npz")


def test_a_label_listed_in_another_folder_is_warned_of(tmp_path, caplog):
    (tmp_path / "reel.abc").write_text(REEL.format(key="D"))
    (tmp_path / "labels.tsv").write_text("path\tkey\n/old/reel.abc\tD minor\n")
    make_table(str(tmp_path), tmp_path / "notes.npz")
    assert "doubtful labels: 1 listed in another folder (reel.abc)" in caplog.text
