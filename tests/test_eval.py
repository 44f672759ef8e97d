"""Laws of evaluation: every song once, each data set by itself, the same from audio and png."""

import csv
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from accelerate import Accelerator
from conftest import pack_synthetic, run_program, settings, small_config, torchrun
from safetensors import safe_open

import eval
from evaluation.answers import Answers
from evaluation.listener import shards_of, trained_network
from evaluation.predictions import compare
from model.checkpoint import PROGRAM, load_checkpoint
from model.metrics import MirexScore
from model.run_folder import resolve
from songkey.detector import Detector
from songkey.keys import KEYS, relation


def answers_of(run: Path, folder: Path, *overrides: str, datasets=("synthetic",)) -> Answers:
    config = small_config(folder, *overrides)
    return eval.evaluate(str(run), config, datasets, Accelerator(cpu=True))


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def cells(line: str) -> list[str]:
    """A line of the table: its name and its numbers."""
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


@pytest.fixture(scope="module")
def answers(packed, trained) -> Answers:
    return answers_of(trained, packed)


@pytest.fixture
def damaged(packed, tmp_path) -> Path:
    """A copy of the audio shards, to be damaged or added to."""
    shutil.copytree(packed / "shards/audio", tmp_path / "shards/audio")
    return tmp_path


def assert_alike(one: Answers, other: Answers, tolerance: float) -> None:
    """The same songs in the same order with nearly the same probabilities."""
    for here, there in zip(one.songs, other.songs, strict=True):
        assert (here.song_id, here.key, here.intervals) == (
            there.song_id,
            there.key,
            there.intervals,
        )
        assert here.estimate.probabilities == pytest.approx(
            there.estimate.probabilities, abs=tolerance
        )


def test_every_song_is_answered_once_and_every_interval_is_counted_once(answers, packed):
    config = small_config(packed)
    shards = shards_of(config, config, ("synthetic",), "test")
    table = shards.song_table()
    for index, song in enumerate(answers.songs):
        assert (song.dataset, song.song_id) == ("synthetic", table.song_id(index))
        assert (song.key.id, song.intervals.total) == (table.key_id[index], table.intervals[index])
    assert answers.unanswered == ()
    assert answers.song_score.total == len(table)


def test_png_and_audio_shards_give_nearly_the_same_answers(answers, packed, trained):
    assert_alike(answers, answers_of(trained, packed, "stream.format=png"), 0.001)


@pytest.mark.parametrize("override", ["eval.batch_size=1", "eval.batch_size=100"])
def test_answers_do_not_depend_on_the_size_of_the_batches(answers, packed, trained, override):
    assert_alike(answers, answers_of(trained, packed, override, "stream.workers=0"), 1e-4)


def test_a_run_s_best_checkpoint_answers_as_the_run_whatever_today_s_settings_are(
    answers, packed, trained
):
    other = ["audio.sample_rate=44100", "model.channels=64", "cqt.range_db=40.0"]
    assert_alike(answers, answers_of(resolve(trained), packed, *other), 0)


def test_the_table_is_that_of_the_predictions_beside_the_run(called, packed, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    done = called(eval.main, "--checkpoint", run, *settings(packed))
    assert done.returncode == 0, done.stderr
    header, line = map(cells, done.stdout.splitlines()[:2])
    file = run / "predictions-best-audio-synthetic-test.tsv"
    score = compare(file, file).score
    assert done.stdout.rstrip().endswith(f"each song's answer in {file}")
    assert line[:3] == ["synthetic test", str(score.total), f"{score.weighted:.1f}"]
    assert line[header.index("ascending only")] == f"{score.weighted_ascending:.1f}"
    assert line[header.index("accuracy")] == f"{score.accuracy:.1f}"


def test_predictions_have_one_line_a_song_with_its_relation_and_24_probabilities(
    called, answers, packed, trained, tmp_path
):
    file = tmp_path / "here" / "answers.tsv"
    done = called(eval.main, "--checkpoint", trained, "--output", file, *settings(packed))
    assert done.returncode == 0, done.stderr
    rows = rows_of(file)
    assert [row["song_id"] for row in rows] == [song.song_id for song in answers.songs]
    for row, song in zip(rows, answers.songs, strict=True):
        assert row["relation"] == relation(song.estimate.key, song.key)
        assert sum(float(row[str(key)]) for key in KEYS) == pytest.approx(1, abs=1e-4)


def test_intervals_can_be_scored_one_by_one(called, answers, packed, trained, tmp_path):
    arguments = ["--checkpoint", trained, "--output", tmp_path / "a.tsv", *settings(packed)]
    lines = called(eval.main, "--intervals", *arguments).stdout.splitlines()
    score = sum((song.intervals for song in answers.songs), MirexScore())
    assert cells(lines[0])[:2] == ["set", "intervals"]
    assert cells(lines[1])[:3] == ["synthetic test", str(score.total), f"{score.weighted:.1f}"]
    assert score.total == sum(int(row["intervals"]) for row in rows_of(tmp_path / "a.tsv"))


def test_each_data_set_has_its_own_row_and_all_together_have_one(called, answers, damaged, trained):
    config = small_config(damaged, "datasets.synthetic.songs=24")
    pack_synthetic(config, dataset="other", seed=5)
    both = ["--datasets", "other", "synthetic", "--output", damaged / "a.tsv"]
    done = called(eval.main, "--checkpoint", trained, *both, *settings(damaged))
    assert done.returncode == 0, done.stderr
    other, synthetic, together = map(cells, done.stdout.splitlines()[1:4])
    score = answers.song_score
    assert synthetic[:3] == ["synthetic test", str(score.total), f"{score.weighted:.1f}"]
    assert other[0] == "other test" and int(other[1]) > 0
    assert together[:2] == ["all sets test", str(score.total + int(other[1]))]
    rows = rows_of(damaged / "a.tsv")
    assert [row["dataset"] for row in rows].count("other") == int(other[1])
    assert len(rows) == int(other[1]) + score.total


def test_songs_that_cannot_be_read_are_named_and_not_scored(called, answers, damaged, trained):
    tars = sorted((damaged / "shards/audio/synthetic/test").glob("*.tar"))
    data = tars[0].read_bytes()
    tars[0].write_bytes(bytes(len(data) // 2) + data[len(data) // 2 :])
    arguments = ["--checkpoint", trained, "--output", damaged / "a.tsv", *settings(damaged)]
    done = called(eval.main, *arguments)
    assert done.returncode == 0, done.stderr
    note = " songs without a readable interval, not scored: synthetic/"
    lost = int(done.stdout.split(note)[0].split()[-1])
    assert 0 < lost < len(answers.songs)
    assert len(rows_of(damaged / "a.tsv")) == len(answers.songs) - lost
    assert int(cells(done.stdout.splitlines()[1])[1]) == len(answers.songs) - lost
    for tar in tars:
        tar.write_bytes(bytes(tar.stat().st_size))
    done = called(eval.main, *arguments)
    assert done.returncode == 1 and "error: no interval could be read; see the" in done.stderr


def test_any_system_s_answers_are_scored_in_the_same_table(called, tmp_path):
    keys = tmp_path / "GiantSteps"
    keys.mkdir()
    for number, key in {
        10089: "C minor",
        7: "Eb major",
        8: "D minor",
        9: "-",
        10: "A minor",
    }.items():
        (keys / f"{number}.LOFI.key").write_text(key)
    rows = "10089.LOFI.mp3,5A\n7.LOFI.mp3,Cm\n8.LOFI.mp3,dunno\nnew.mp3,Am\n9.LOFI.mp3,Am\n"
    (tmp_path / "theirs.csv").write_text(f"file,key\n{rows}")
    done = called(eval.main, "--predictions", tmp_path / "theirs.csv", "--annotations", f"{keys}/")
    assert done.returncode == 0, done.stderr
    _, row, *notes = done.stdout.splitlines()
    score = MirexScore(correct=1, relative=1, other=1)
    assert cells(row)[:3] == ["GiantSteps", "3", f"{score.weighted:.1f}"]
    assert notes == [
        "1 song without an answer, not scored: 10.LOFI",
        "1 answer to songs that are not there: new",
        "1 song without a key there, not scored: 9.LOFI",
        "1 answer without a key, counted as other",
    ]


def test_only_the_first_of_many_songs_are_named(called, tmp_path):
    (tmp_path / "t.tsv").write_text("".join(f"{number}\tC minor\n" for number in range(20)))
    (tmp_path / "a.tsv").write_text("5\tC minor\n")
    done = called(
        eval.main, "--predictions", tmp_path / "a.tsv", "--annotations", tmp_path / "t.tsv"
    )
    assert "19 songs without an answer, not scored: 0, 1, 2, ...\n" in done.stdout


@pytest.mark.parametrize(
    "given, message",
    [
        (["--predictions", "a.tsv"], "--predictions and --annotations (the true keys) go together"),
        (["--annotations", "keys"], "--annotations (the true keys) goes with --predictions or"),
    ],
)
def test_answers_and_true_keys_are_asked_for_together(called, given, message):
    done = called(eval.main, *given)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: {message}" in done.stderr


def launched(*arguments: str | Path) -> subprocess.CompletedProcess:
    """eval.py in two processes on this CPU."""
    words = [*torchrun(2), "eval.py", *map(str, arguments)]
    done = run_program(*words, ACCELERATE_USE_CPU="true")
    assert done.returncode == 0, done.stderr
    return done


def blot_out(damaged: Path, intervals: list[int]) -> Counter[str]:
    """Damage these of the test split's intervals; how many each song loses."""
    config = small_config(damaged)
    shards = shards_of(config, config, ("synthetic",), "test")
    (split,), table = shards.splits, shards.song_table()
    index, ends = split.index(), np.cumsum(shards.intervals)
    for number in intervals:
        place, _ = shards.tar(int(np.searchsorted(ends, number, side="right")))
        with open(place, "r+b") as file:
            file.seek(int(index.media_offset[number]) + 50)
            file.write(b"blot")
    return Counter(table.song_id(int(index.song[number])) for number in intervals)


@pytest.mark.parametrize("processes", [1, 2])
def test_each_song_says_how_many_of_its_intervals_were_lost_and_the_rest_are_scored(
    called, answers, damaged, trained, processes
):
    whole = {song.song_id: song.intervals.total for song in answers.songs}
    first, second = (list(whole)[0], list(whole)[2])
    blots = list(range(whole[first])) + [sum(whole[name] for name in list(whole)[:2])]
    lost = blot_out(damaged, blots)
    assert lost == {first: whole[first], second: 1}
    words = ["--checkpoint", trained, "--output", damaged / "a.tsv", *settings(damaged)]
    done = called(eval.main, *words) if processes == 1 else launched(*words)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert f"{len(blots)} intervals could not be read: {len(blots)} of synthetic" in lines
    assert f"1 song without a readable interval, not scored: synthetic/{first}" in lines
    rows = {row["song_id"]: row for row in rows_of(damaged / "a.tsv")}
    assert rows.keys() == whole.keys() - {first}
    for name, row in rows.items():
        assert int(row["lost_intervals"]) == (name == second)
        assert int(row["intervals"]) == whole[name] - (name == second)
    report = (damaged / "a.html").read_text("utf-8")
    assert f"{len(blots)} intervals of 2 songs" in report
    assert f"{sum(whole.values()) - len(blots)} intervals; {len(blots)} more could not be" in report


def test_more_lost_intervals_than_allowed_end_an_evaluation_in_one_line(called, damaged, trained):
    blot_out(damaged, [0, 1, 2, 3, 4])
    words = ["--checkpoint", trained, *settings(damaged, "stream.max_bad_samples=3")]
    done = called(eval.main, *words)
    assert (done.returncode, done.stdout) == (1, "")
    *warnings, error = done.stderr.splitlines()
    assert error.startswith("error: 4 intervals could not be read (stream.max_bad_samples = 3); ")


def test_the_limit_holds_for_all_processes_together(damaged, trained):
    blot_out(damaged, [0, 1, 2, 3])  # two of each process
    words = ["--checkpoint", trained, *settings(damaged, "stream.max_bad_samples=3")]
    done = run_program(*torchrun(2), "eval.py", *map(str, words), ACCELERATE_USE_CPU="true")
    assert done.returncode != 0
    assert "error: 4 intervals could not be read (stream.max_bad_samples = 3); " in done.stderr


def test_a_fit_says_how_many_intervals_it_lacks(called, damaged, run_folder):
    tar = damaged / "shards/audio/synthetic/valid/000000.tar"
    data = bytearray(tar.read_bytes())
    data[5000] ^= 255
    tar.write_bytes(data)
    done = called(eval.main, "--checkpoint", run_folder, "--calibrate", *settings(damaged))
    assert done.returncode == 0, done.stderr
    assert " intervals; 1 more could not be read\n" in done.stdout


def probabilities_of(file: Path) -> dict[str, list[float]]:
    return {row["song_id"]: [float(row[str(key)]) for key in KEYS] for row in rows_of(file)}


def test_two_processes_count_each_song_once_and_answer_as_one_does(
    answers, packed, trained, tmp_path
):
    file = tmp_path / "a.tsv"
    launched("--checkpoint", trained, "--output", file, *settings(packed))
    found = probabilities_of(file)
    assert list(found) == [song.song_id for song in answers.songs]
    for song in answers.songs:
        assert found[song.song_id] == pytest.approx(song.estimate.probabilities, abs=1e-5)
    counts = [int(row["intervals"]) for row in rows_of(file)]
    assert counts == [song.intervals.total for song in answers.songs]
    assert (tmp_path / "a.html").is_file()


@pytest.fixture
def run_folder(trained, tmp_path) -> Path:
    """A copy of the run, to be calibrated."""
    return shutil.copytree(trained, tmp_path / "run")


def test_calibration_is_stored_in_the_checkpoint_and_changes_nothing_else_in_it(
    called, packed, run_folder
):
    file = resolve(run_folder)
    before = parts_of(file)
    done = called(eval.main, "--checkpoint", run_folder, "--calibrate", *settings(packed))
    assert done.returncode == 0, done.stderr
    tensors, document = parts_of(file)
    temperature = document.pop("temperature")
    assert (tensors, document) == before and temperature != 1
    assert done.stdout.startswith(f"temperature {temperature:.3f}, fitted on the valid split: ")
    assert done.stdout.rstrip().endswith(f"stored in {file}")
    assert [path.name for path in file.parent.iterdir() if "partial" in path.name] == []


def parts_of(file: Path) -> tuple[dict[str, bytes], dict]:
    """The tensors' bytes and the description of a checkpoint file."""
    with safe_open(file, framework="np") as opened:
        tensors = {name: opened.get_tensor(name).tobytes() for name in opened.keys()}  # noqa: SIM118
        return tensors, json.loads(opened.metadata()[PROGRAM])


def test_a_calibrated_checkpoint_is_as_sure_as_its_temperature_says_wherever_it_is_used(
    answers, packed, run_folder
):
    config, accelerator = small_config(packed), Accelerator(cpu=True)
    fit = eval.calibrate(str(run_folder), config, accelerator)
    again = eval.calibrate(str(run_folder), config, accelerator)
    assert again.temperature == fit.temperature  # fitted anew, not on what is scaled already
    network, _ = trained_network(run_folder)
    assert network.temperature == fit.temperature
    detector = Detector(resolve(run_folder).with_suffix(".onnx"))  # exported anew with it
    assert detector.info.answer.temperature == fit.temperature
    calibrated = answers_of(run_folder, packed)
    assert [one.intervals for one in calibrated.songs] == [one.intervals for one in answers.songs]
    confidences = [
        sum(bins.confidences.sum() for bins in one.interval_reliability.values())
        for one in (calibrated, answers)
    ]
    assert (confidences[0] < confidences[1]) == (fit.temperature > 1)
    valid = answers_of(run_folder, packed, "eval.split=valid")
    assert valid.loss == pytest.approx(fit.loss, abs=1e-4)
    assert fit.loss < fit.loss_before


def test_two_processes_fit_the_temperature_that_one_does(packed, run_folder, tmp_path):
    alone = shutil.copytree(run_folder, tmp_path / "alone")
    fit = eval.calibrate(str(alone), small_config(packed), Accelerator(cpu=True))
    launched("--checkpoint", run_folder, "--calibrate", *settings(packed))
    stored = load_checkpoint(resolve(run_folder)).temperature
    assert stored == pytest.approx(fit.temperature, rel=1e-3)


def test_without_a_checkpoint_the_newest_run_is_evaluated(called, packed, trained, tmp_path):
    place = ["--set", f'train.runs_dir="{tmp_path}/runs"']
    done = called(eval.main, *settings(packed), *place)
    assert done.returncode == 1 and "error: " in done.stderr and "no trained run" in done.stderr
    run = shutil.copytree(trained, tmp_path / "runs" / "20250101-000000-new")
    assert called(eval.main, *settings(packed), *place).returncode == 0
    results = {path.name for path in run.glob("*-best-audio-synthetic-test.*")}
    assert results == {
        "predictions-best-audio-synthetic-test.tsv", "report-best-audio-synthetic-test.html",
    }  # fmt: skip


IDLE = "of no use with files of answers"
FILES = ["--predictions", "a.tsv", "--annotations", "keys"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([*FILES, "--datasets", "gs_key"], f"--datasets: {IDLE}"),
        ([*FILES, "--intervals", "--output", "b.tsv"], f"--intervals, --output: {IDLE}"),
        ([*FILES, "--calibrate"], f"--calibrate: {IDLE}"),
        ([*FILES, "--set", "eval.split=valid"], f"--set: {IDLE}"),
        (["--compare", "a.tsv", "b.tsv", "--report", "r.html"], f"--report: {IDLE}"),
        (["--calibrate", "--datasets", "gs_key"], "--calibrate goes without --datasets: "),
        (["--calibrate", "--set", "eval.split=test"], "--calibrate goes without eval.split: "),
        (["--set", "audio.sample_rate=44100"], "audio.sample_rate = 44100: the checkpoint was"),
        (["--set", "cqt.hop_length=4096"], "was trained with 2048, and always uses that; leave"),
        (["--datasets", "gs_key"], "not there; pack this data set first"),
    ],
)
def test_what_would_be_ignored_is_refused_and_said(called, packed, trained, arguments, message):
    if "a.tsv" not in arguments:
        place = ["--set", f'prepare.shards_dir="{packed}/shards"']
        arguments = ["--checkpoint", trained, *place, *arguments]
    done = called(eval.main, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", [[], ["--calibrate"]])
def test_a_split_without_songs_is_refused(called, packed, run_folder, option):
    place = ["--set", f'prepare.shards_dir="{run_folder}/shards"', "--set", "stream.format=png"]
    shutil.copytree(
        packed / "shards/png/synthetic/train", run_folder / "shards/png/synthetic/train"
    )
    done = called(eval.main, "--checkpoint", run_folder, *place, *option)
    split = "valid" if option else "test"
    assert done.returncode == 1 and f"no {split} split in synthetic; name other" in done.stderr
