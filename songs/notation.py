"""Written music: a MIDI, MusicXML, ABC or kern file -> the transcripts in it, with their keys.

mido reads MIDI, music21 the rest.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import mido
from music21 import converter, harmony, key, meter, stream

from songkey.keys import Key, parse_key
from songs.song import LeftOut
from songs.tonality import MODES, Parts, agrees, key_by_signature
from synthesis.score import Note
from synthesis.transcript import VELOCITY, Transcript

MIDI = {".mid", ".midi"}
WRITTEN = {".abc", ".krn", ".mxl", ".musicxml", ".xml"}
DRUMS = 9  # the channel of General MIDI's percussion
FEWEST_NOTES = 24


def transcripts(path: Path, name: str, label: Key | None) -> Iterator[Transcript | LeftOut]:
    """The pieces of a file; `label` is its key where a person says so, else the file's own counts.

    What has too few notes, or no key that its notes bear out, comes as LeftOut.
    """
    try:
        found = list(_midi(path) if path.suffix.lower() in MIDI else _written(path))
    except Exception as error:  # music21 and mido raise whatever a damaged file leads them to
        yield LeftOut(name, f"cannot be read: {type(error).__name__}")
        return
    for index, (parts, bar_beats, sharps, stated) in enumerate(found):
        piece = f"{name}:{index}" if len(found) > 1 else name
        if sum(map(len, parts)) < FEWEST_NOTES:
            yield LeftOut(piece, f"fewer than {FEWEST_NOTES} notes")
            continue
        found_key = label
        if found_key is None and stated and agrees(stated, parts, bar_beats):
            found_key = stated
        if found_key is None and (stated is None or stated.mode == "major"):
            found_key = key_by_signature(sharps, parts, bar_beats)
        if found_key is None:
            yield LeftOut(piece, "no key that its notes bear out")
        else:
            yield Transcript(piece, found_key, bar_beats, parts)


def _written(path: Path) -> Iterator[tuple[Parts, float, int, Key | None]]:
    """Parts, quarters a bar, sharps of the signature and its key, of each piece of a score."""
    opened = converter.parse(path)
    for score in opened.scores if isinstance(opened, stream.Opus) else [opened]:
        parts = tuple(_part(part) for part in score.getElementsByClass(stream.Part))
        signature = next(iter(score.recurse().getElementsByClass(key.KeySignature)), None)
        time = next(iter(score.recurse().getElementsByClass(meter.TimeSignature)), None)
        stated = None
        if isinstance(signature, key.Key) and signature.mode in MODES:
            stated = Key(signature.tonic.pitchClass, MODES[signature.mode])
        bar_beats = float(time.barDuration.quarterLength) if time else 4.0
        yield (
            tuple(filter(None, parts)),
            bar_beats,
            signature.sharps if signature else 0,
            stated,
        )


def _part(part: stream.Part) -> tuple[Note, ...]:
    """A part's notes and chords without grace notes and chord symbols."""
    return tuple(
        Note(float(element.offset), float(element.quarterLength), pitch.midi, VELOCITY)
        for element in part.flatten().stripTies().notes
        if element.quarterLength > 0 and not isinstance(element, harmony.ChordSymbol)
        for pitch in element.pitches
    )


def _midi(path: Path) -> Iterator[tuple[Parts, float, int, Key | None]]:
    """The same of a MIDI file: a part is what one track plays on one channel."""
    midi = mido.MidiFile(path)
    stated, bar_beats = None, 4.0
    parts: dict[tuple[int, int], list[Note]] = defaultdict(list)
    for track_index, track in enumerate(midi.tracks):
        ticks = 0
        sounding: dict[tuple[int, int], int] = {}
        for message in track:
            ticks += message.time
            if message.type == "key_signature" and stated is None:
                stated = parse_key(message.key + ("" if message.key.endswith("m") else " maj"))
            elif message.type == "time_signature" and ticks == 0:
                bar_beats = 4.0 * message.numerator / message.denominator
            elif message.type in ("note_on", "note_off") and message.channel != DRUMS:
                voice = message.channel, message.note
                if voice in sounding:
                    start = sounding.pop(voice) / midi.ticks_per_beat
                    beats = ticks / midi.ticks_per_beat - start
                    note = Note(start, beats, message.note, VELOCITY)
                    parts[track_index, message.channel].append(note)
                if message.type == "note_on" and message.velocity:
                    sounding[voice] = ticks
    sharps = 0
    if stated:
        major = stated.tonic + (3 if stated.mode == "minor" else 0)
        sharps = (7 * major + 6) % 12 - 6
    ordered = (tuple(sorted(notes)) for _, notes in sorted(parts.items()))
    yield tuple(filter(None, ordered)), bar_beats, sharps, stated
