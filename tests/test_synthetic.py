import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from conftest import ROOT
from scipy.signal import resample_poly

from songkey.audio import to_int16
from songkey.keys import KEYS, Key, Relation, relation
from songs.synthetic import key_of, parse_path, render, song_of, songs, style_of, whole_song
from synthesis.accompaniment import BASS_PATTERNS, CHORD_PATTERNS
from synthesis.arrangement import compose
from synthesis.cycles import draw_cycles, draw_sections, whole_sections
from synthesis.drums import GROOVES
from synthesis.form import Stretch, draw_form
from synthesis.harmony import SCALES, chord_of, parse_numeral
from synthesis.idioms import LIKING
from synthesis.instruments import instrument
from synthesis.mix import mixed
from synthesis.production import draw_production
from synthesis.progressions import CADENCES, COLOURS, FOLLOWS, KINDS, choices
from synthesis.repertoire import STYLES
from synthesis.timbre import damped_sinusoids, tone

SAMPLE_RATE = 11025
# How often each degree sounds: D. Temperley, "Music and Probability" (2007), chapter 6.
PROFILES = {
    "major": np.array(
        [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400]
    ),
    "minor": np.array(
        [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330]
    ),
}


@pytest.fixture(scope="module")
def chromas():
    """Two blocks of short songs with how much of each pitch class they hold, [(key, (12,))]."""
    return [
        (song.key, chroma(render(song.audio_path, SAMPLE_RATE))) for song in songs(48, 16.0, seed=3)
    ]


def chroma(waveform: np.ndarray) -> np.ndarray:
    """Share of each pitch class in the magnitudes between C3 and C6, (12,)."""
    frames = np.lib.stride_tricks.sliding_window_view(waveform, 8192)[::4096] * np.hanning(8192)
    magnitudes = np.abs(np.fft.rfft(frames)).mean(axis=0)
    hertz = np.arange(magnitudes.size) * SAMPLE_RATE / 8192
    heard = (hertz > 130) & (hertz < 1050)
    classes = np.round(69 + 12 * np.log2(hertz[heard] / 440)).astype(int) % 12
    shares = np.bincount(classes, magnitudes[heard], minlength=12)
    return shares / shares.sum()


def rendered_elsewhere(**environment: str) -> np.ndarray:
    """The first four songs of seed 5 in 16 bit, (4, S), from last to first in a new process."""
    script = f"""
import sys
import numpy as np
from songkey.audio import to_int16
from songs.synthetic import render
songs = [to_int16(render(f"synthetic:5:{{number}}:4", {SAMPLE_RATE})) for number in (3, 2, 1, 0)]
sys.stdout.buffer.write(np.stack(songs[::-1]).tobytes())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, capture_output=True, check=True, env=os.environ | environment,
    )  # fmt: skip
    return np.frombuffer(done.stdout, np.int16).reshape(4, -1)


@pytest.fixture(scope="module")
def four_songs():
    """What `rendered_elsewhere` should give, rendered here."""
    return np.stack(
        [to_int16(render(song.audio_path, SAMPLE_RATE)) for song in songs(4, 4.0, seed=5)]
    )


def test_a_song_is_the_same_whatever_the_number_of_songs():
    many = {song.song_id: song for song in songs(30, 4.0, seed=5)}
    assert all(many[song.song_id] == song for song in songs(12, 4.0, seed=5))


@pytest.mark.parametrize("blas_kernel", ["Haswell", "Nehalem"])  # with and without fused products
@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_song_is_the_same_whatever_the_order_process_threads_or_blas(
    four_songs, threads, blas_kernel
):
    counts = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    there = rendered_elsewhere(OPENBLAS_CORETYPE=blas_kernel, **counts)
    assert np.array_equal(there, four_songs)


def test_where_numpy_has_no_simd_a_song_differs_by_rounding_only(four_songs):
    features = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    there = rendered_elsewhere(NPY_DISABLE_CPU_FEATURES=" ".join(features))
    difference = np.abs(there.astype(int) - four_songs)
    assert difference.max() <= 1 and np.mean(difference > 0) < 0.01


@pytest.mark.parametrize("partials", [1, 200])
def test_the_sum_of_partials_is_exact_so_its_order_does_not_matter(partials):
    rng = np.random.default_rng(partials)
    amplitudes = np.ones(partials) / np.sqrt(partials)  # the largest sum that unit energy allows
    values = rng.uniform(20, 5000, partials), amplitudes, rng.uniform(0, 6, partials)
    phases = rng.uniform(0, 2 * np.pi, partials)
    orders = [np.arange(partials), rng.permutation(partials)]
    tones = [
        damped_sinusoids(*(value[order] for value in (*values, phases)), 4096, SAMPLE_RATE)
        for order in orders
    ]
    assert np.array_equal(*tones)
    seconds = np.arange(4096)[:, None] / SAMPLE_RATE
    frequencies, _, decays = values
    closed_form = (
        amplitudes * np.exp(-decays * seconds) * np.cos(2 * np.pi * frequencies * seconds + phases)
    )
    assert np.abs(tones[0] - closed_form.sum(axis=1)).max() < 1e-5


def test_every_block_of_24_songs_holds_each_tonic_twice_in_an_order_of_its_own():
    blocks = [[key_of(7, 24 * block + position) for position in range(24)] for block in range(4)]
    assert all(
        Counter(key.tonic for key in block) == dict.fromkeys(range(12), 2) for block in blocks
    )
    assert len({tuple(block) for block in blocks}) == 4


def test_the_mode_goes_with_the_style_and_few_songs_still_hold_all_keys():
    chosen = [(style_of(0, number), key_of(0, number)) for number in range(1200)]
    assert {key for _, key in chosen[:240]} == set(KEYS)
    for style in STYLES:
        modes = [key.mode for drawn, key in chosen if drawn is style]
        spread = (style.minor * (1 - style.minor) / len(modes)) ** 0.5
        assert abs(modes.count("minor") / len(modes) - style.minor) < 3 * spread, style.name


def test_styles_name_only_what_there_is():
    for style in STYLES:
        for mode, kinds in style.harmony.items():
            assert all(KINDS[kind][mode] for kind in choices(kinds)), style.name
        assert set(choices(style.bass_patterns)) <= {*BASS_PATTERNS, "riff"}, style.name
        assert set(choices(style.chord_patterns)) <= set(CHORD_PATTERNS), style.name
        assert set(choices(style.grooves)) <= set(GROOVES), style.name
        assert set(choices(style.idioms) + choices(style.riffs)) <= set(LIKING), style.name
    assert all(set(choices(text)) <= set(SCALES) for by in COLOURS.values() for text in by.values())


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_style_sounds_in_both_modes(style, mode):
    for seed in range(3):
        piece = compose(style, Key(4, mode), 6.0, np.random.default_rng(seed))
        production = draw_production(np.random.default_rng(seed))
        waveform = mixed(piece, production, 6 * 8000, 8000, np.random.default_rng(seed))
        assert np.isfinite(waveform).all() and np.abs(waveform).max() <= 1
        assert any(layer.notes for layer in piece.layers)


def test_a_piece_with_an_excursion_begins_and_mostly_stays_at_home():
    style = next(style for style in STYLES if style.name == "piano")
    away = 0.0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        cycles = draw_cycles(style, Key(0, "major"), 4, rng)
        sections = draw_sections(cycles, 4, 0.0, 80.0, 3, rng)
        assert cycles[sections[0].cycle].key == Key(0, "major")
        assert all(2 not in (one.cycle, two.cycle) or one != two for one, two in pairwise(sections))
        away += sum(one.end_beats - one.start_beats for one in sections if one.cycle == 2)
    assert 0 < away < 0.3 * 40 * 80


def test_a_song_says_who_it_is():
    song = song_of(seed=0, number=17, song_seconds=20.0)
    assert song.song_id == song.recording_id == "synthetic-0-000017"
    assert (song.dataset, song.label_source, song.confidence, song.split) == (
        "synthetic",
        "synthetic",
        1.0,
        "",
    )
    assert parse_path(song.audio_path) == (0, 17, 20.0)


@pytest.mark.parametrize("sample_rate", [11025, 22050, 44100])
@pytest.mark.parametrize("seconds", [0.1, 3.21, 12.0])
def test_songs_are_as_long_as_asked_finite_audible_and_within_range(sample_rate, seconds):
    for number in range(3):
        waveform = render(f"synthetic:1:{number}:{seconds}", sample_rate)
        assert waveform.dtype == np.float32 and waveform.shape == (round(seconds * sample_rate),)
        assert np.isfinite(waveform).all() and np.abs(waveform).max() <= 1
        assert np.sqrt(np.mean(waveform**2)) > 0.003


def test_different_songs_and_seeds_sound_different():
    waveforms = [
        render(f"synthetic:{seed}:{number}:4", SAMPLE_RATE)
        for seed in (0, 1)
        for number in range(6)
    ]
    normal = np.stack([waveform / np.linalg.norm(waveform) for waveform in waveforms])
    assert np.abs(normal @ normal.T - np.eye(12)).max() < 0.5


def test_a_song_at_twice_the_sample_rate_is_the_same_piece():
    for path in ("synthetic:0:1:8", "synthetic:0:2:8", "synthetic:0:3:8"):
        low, high = render(path, SAMPLE_RATE), render(path, 2 * SAMPLE_RATE)
        assert np.corrcoef(chroma(low), chroma(resample_poly(high, 1, 2)))[0, 1] > 0.9


def test_the_tones_of_the_key_sound_more_than_the_others(chromas):
    shares = [
        sum(held[(key.tonic + degree) % 12] for degree in SCALES[key.mode]) for key, held in chromas
    ]
    assert np.mean(shares) > 0.66  # 7 of 12 would be 0.58
    assert np.mean(np.array(shares) > 7 / 12) > 0.9


def test_a_key_profile_finds_the_label_or_its_neighbour_in_most_songs(chromas):
    found = Counter(relation(best_match(held), key) for key, held in chromas)
    assert found[Relation.CORRECT] > 0.35 * 48  # chance: 1 in 24
    assert found[Relation.OTHER] < 0.35 * 48  # chance: 19 in 24


def best_match(held: np.ndarray) -> Key:
    """The key whose profile correlates best with a chroma."""
    scores = [np.corrcoef(np.roll(PROFILES[key.mode], key.tonic), held)[0, 1] for key in KEYS]
    return KEYS[int(np.argmax(scores))]


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_numeral_of_every_progression_is_a_chord_with_a_scale_around_the_tonic(mode):
    texts = " ".join(
        [
            *(";".join(choices(texts[mode])) for texts in KINDS.values()),
            CADENCES[mode],
            *FOLLOWS[mode],
            *FOLLOWS[mode].values(),
        ]
    )
    for numeral in set(texts.replace(";", " ").split()):
        chord = chord_of(numeral, Key(2, mode), mode)
        assert chord.bass in chord.pitch_classes and 2 in chord.scale
        assert 6 <= len(chord.scale) <= 8
    assert all(set(followers.split()) <= set(FOLLOWS[mode]) for followers in FOLLOWS[mode].values())
    assert choices("I V*2; I") == ["I V", "I V", "I"]


@pytest.mark.parametrize(
    "numeral, tonic, mode, pitch_classes, bass",
    [
        ("V7", 0, "major", {7, 11, 2, 5}, 7),
        ("bVI", 9, "minor", {5, 9, 0}, 5),
        ("viio", 9, "minor", {8, 11, 2}, 8),
        ("V7/ii", 0, "major", {9, 1, 4, 7}, 9),
        ("I^3", 7, "major", {7, 11, 2}, 11),
        ("iio^3", 0, "minor", {2, 5, 8}, 5),
        ("iih7", 0, "minor", {2, 5, 8, 0}, 2),
        ("i9", 9, "minor", {9, 0, 4, 7, 11}, 9),
    ],
)
def test_roman_numerals_are_the_chords_that_musicians_mean(
    numeral, tonic, mode, pitch_classes, bass
):
    chord = chord_of(numeral, Key(tonic, mode), mode)
    assert set(chord.pitch_classes) == pitch_classes and chord.bass == bass


def test_the_dominant_of_minor_raises_the_seventh_and_keeps_the_tonic():
    assert chord_of("V", Key(9, "minor"), "minor").scale == (9, 11, 0, 2, 4, 5, 8)
    assert chord_of("bVII", Key(9, "minor"), "minor").scale == (9, 11, 0, 2, 4, 5, 7)


def test_every_instrument_plays_in_tune():
    names = {name for style in STYLES for text in style.timbres.values() for name in choices(text)}
    assert len(names) >= 8
    for name in sorted(names):
        rng = np.random.default_rng(0)
        waveform = tone(instrument(name, rng), 440.0, 1.0, SAMPLE_RATE, rng)
        spectrum = np.abs(np.fft.rfft(waveform * np.hanning(waveform.size)))
        octaves = [spectrum[round(220 * 2**k) - 8 : round(220 * 2**k) + 9].max() for k in range(4)]
        assert max(octaves) > 0.2 * spectrum.max(), name


@pytest.mark.parametrize(
    "path",
    ["song.mp3", "synthetic:0:1", "synthetic:0:-1:20", "synthetic:0:1:0", "synthetic:0:1:nan"],
)
def test_a_path_that_names_no_song_is_refused(path):
    with pytest.raises(
        ValueError, match="names no song; write synthetic:<seed>:<number>:<seconds>"
    ):
        parse_path(path)


def test_a_numeral_that_is_none_is_refused():
    with pytest.raises(ValueError, match="cannot read the Roman numeral 'H7'"):
        parse_numeral("H7")


def test_a_whole_song_begins_at_home_and_some_leave_it_and_come_back():
    forms = [draw_form(Key(0, "major"), True, np.random.default_rng(n)) for n in range(200)]
    away = [form for form in forms if len({stretch.key for stretch in form}) > 1]
    assert 0.7 < len(away) / len(forms) < 0.9
    assert {form[0].key for form in forms} == {Key(0, "major")} == {form[-1].key for form in away}
    assert sum(form[1].key == Key(7, "major") for form in away) > len(away) / 2
    for form in forms:
        ends = [stretch.end for stretch in form]
        assert ends == sorted(ends) and ends[-1] == 1.0


def test_the_sections_of_a_whole_song_sound_in_the_keys_of_its_form():
    rng = np.random.default_rng(3)
    home, dominant = Key(0, "major"), Key(7, "major")
    form = [Stretch(home, 0.25), Stretch(dominant, 0.75), Stretch(home, 1.0)]
    cycles, sections = whole_sections(STYLES[0], form, 4, 400.0, 300.0, 3, rng)
    assert sections[0].start_beats == 0 and sections[-1].end_beats >= 300
    longest = max(cycle.beats for cycle in cycles)
    compared = 0
    for section in sections:
        if min(abs(section.start_beats - 100), abs(section.start_beats - 300)) > longest:
            expected = dominant if 100 < section.start_beats < 300 else home
            assert cycles[section.cycle].key == expected
            compared += 1
    assert compared > 3


def test_a_whole_song_is_the_same_each_time_and_as_long_as_it_says():
    first, second = (whole_song(2, 5, 11025) for _ in range(2))
    assert np.array_equal(first, second)
    assert 40 * 11025 <= len(first) <= 300 * 11025
