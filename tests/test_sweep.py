"""Laws of studies: trials are ordinary runs, each done once, whoever runs them."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import optuna
import pytest
from conftest import ROOT, run_program, settings
from optuna.trial import FrozenTrial, TrialState, create_trial

from model.checkpoint import load_checkpoint
from settings.config import ConfigError
from study import __main__ as sweep
from study.database import StudyError, kept_in, open_study
from study.findings import failed, trials_of
from study.space import override
from study.sweep_file import Plan, load_plan
from study.trial import take

GRID = """
question = "Which <learning rate>?"
sampler = "grid"
pruner = "none"

[search]
train.learning_rate = [0.003, 0.01]

[stream]
format = "png"
workers = 0
"""
TPE = (
    GRID.replace('"none"', '"median"')
    .replace('"grid"', '"tpe"\ntrials = 6')
    .replace("[0.003, 0.01]", "{low = 1e-4, high = 0.1}")
)


@pytest.fixture
def file(tmp_path):
    """Writes a sweep file."""

    def write(text: str, name: str = "lr") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def place(packed, tmp_path) -> list[str]:
    """The settings of small runs on the packed shards, with all runs in the test's own folder."""
    return settings(packed, f'train.runs_dir="{tmp_path}/runs"')


def study_in(folder: Path) -> optuna.Study:
    return optuna.load_study(study_name=folder.name, storage=f"sqlite:///{folder}/study.db")


def start(file: Path, place: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "study", str(file), *place], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("learning_rate", "learning_rat", "unknown setting 'learning_rat'; did you mean"),
        ("0.003", "-1.0", r"lr.toml \[search\]: train.learning_rate = -1.0: input should be"),
        ("pruner", "prunr", "lr.toml: unknown section 'prunr'; did you mean 'pruner'"),
        ('"none"', '"mean"', "lr.toml: pruner = 'mean': input should be 'median' or 'none'"),
        ('question = "Which <learning rate>?"', "", "question = .*field required"),
        ("[stream]", "[steam]", "unknown section 'steam'; did you mean 'stream'"),
        ("workers", "worker", r"lr.toml \[stream\]: unknown setting 'worker'; did you"),
        ("train.learning_rate", "epochs", "'epochs' names no section"),
        ("[0.003, 0.01]", "[]", "train.learning_rate: give a list of choices, or {low"),
        ("[0.003, 0.01]", "{low = 0.1, high = 0.2}", "a grid takes lists; train.learning"),
        ("[0.003, 0.01]", "{low = 0.1, high = 0.01}", "train.learning_rate: .*low <= high"),
        ("[0.003, 0.01]", "{low = 0.1, high = 0.2, lg = true}", "'lg'; did you mean 'log'"),
        ("[0.003, 0.01]", "{low = -1.0, high = 0.1}", "train.learning_rate = -1.0: input"),
        ("[0.003, 0.01]", '{low = "a", high = "b"}', "train.learning_rate: "),
        ("[search]\ntrain.learning_rate =", "search =", "write it as a section of settings"),
        ("[search]\ntrain.learning_rate = [0.003, 0.01]", "", "nothing to search"),
        ('"grid"', '"tpe"', "trials is missing"),
        ('"grid"', '"tpe"\ntrials = 0', "trials = 0: input should be greater"),
    ],
)  # fmt: skip
def test_a_sweep_file_that_no_trial_could_be_made_of_is_refused(file, old, new, message):
    assert old in GRID
    with pytest.raises(ConfigError, match=message):
        load_plan(str(file(GRID.replace(old, new))))


def test_a_setting_that_is_searched_cannot_be_set_for_all(file):
    with pytest.raises(ConfigError, match="train.learning_rate: lr.toml searches it"):
        load_plan(str(file(GRID)), ["train.learning_rate=0.1"])


@pytest.mark.parametrize("path", sorted(ROOT.glob("experiments/*.toml")), ids=lambda p: p.stem)
def test_the_experiments_are_sweeps_with_a_question(path):
    if path.stem not in ("demo", "default"):
        assert load_plan(str(path)).head.question.strip()


def test_lists_are_choices_and_a_range_of_whole_numbers_stays_whole(file):
    text = GRID.replace(
        "train.learning_rate = [0.003, 0.01]",
        'train.datasets = [["a"], ["a", "b"]]\nmodel.dropout = [0.0, 0.5]',
    )
    plan = load_plan(str(file(text)))
    assert plan.trials == plan.combinations == 4
    assert plan.grid["train.datasets"] == ('["a"]', '["a", "b"]')
    assert override("train.datasets", '["a", "b"]') == 'train.datasets=["a", "b"]'
    assert override("train.learning_rate", 1e-5) == "train.learning_rate=1e-05"
    whole = TPE.replace("learning_rate = {low = 1e-4, high = 0.1}", "epochs = {low = 2, high = 9}")
    assert isinstance(
        load_plan(str(file(whole))).space["train.epochs"], optuna.distributions.IntDistribution
    )


def test_a_database_that_cannot_be_used_is_refused_without_its_password(file):
    plan = load_plan(str(file(GRID)))
    for url in ("postgresql://me:secret@localhost:1/no", "sqlite:////nowhere/study.db", "no url"):
        message = "the database cannot be used"
        with pytest.raises(StudyError, match=message) as refused, kept_in(url):
            open_study(plan, url)
        assert "secret" not in str(refused.value) and "\n" not in str(refused.value)


def test_a_study_of_other_settings_is_refused_with_what_differs(file, tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    open_study(load_plan(str(file(GRID))), url)
    open_study(load_plan(str(file(GRID)), ["prepare.shards_dir=elsewhere"]), url)
    with pytest.raises(StudyError, match="train.epochs: 10 there, 5 today"):
        open_study(load_plan(str(file(GRID)), ["train.epochs=5"]), url)
    with pytest.raises(StudyError, match="search train.learning_rate"):
        open_study(load_plan(str(file(GRID.replace("0.01", "0.02")))), url)


def test_a_study_that_was_never_run_has_no_report(called, file, place, tmp_path):
    done = called(sweep.main, file(GRID), "--report", *place)
    assert done.returncode == 1 and "runs/lr: no such study" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_trial_is_taken_as_long_as_any_process_of_it_lives(tmp_path):
    assert take(tmp_path, 3, new=False) is None
    log = take(tmp_path, 3, new=True)
    running = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=log)
    assert take(tmp_path, 3, new=False) is None
    log.close()
    assert take(tmp_path, 3, new=False) is None
    running.communicate()
    assert take(tmp_path, 3, new=False) is not None


class Scripts(HTMLParser):
    """The addresses that a page loads."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        self.addresses += [
            value for name, value in attrs if name == "src" or (tag, name) == ("link", "href")
        ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, code, last",
    [
        (signal.SIGINT, 130, "interrupted; the same command goes on from what is finished\n"),
        (signal.SIGKILL, -9, ""),
    ],
)
def test_an_interrupted_grid_goes_on_with_its_cut_trial_where_its_shards_lie_today(
    called, file, packed, place, tmp_path, number, code, last
):
    folder, path = tmp_path / "runs/lr", file(GRID)
    then, today = tmp_path / "then", tmp_path / "today"
    then.symlink_to(packed / "shards")
    place = [*place, "--set", "train.checkpoint_every_steps=1"]
    place += ["--set", f"prepare.shards_dir={then}"]
    running = start(path, place)
    while not list(folder.glob("*-trial-0001/checkpoints/last.safetensors")):
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    running.send_signal(number)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == code and errors.endswith(last)
    log = take(folder, 1, new=False)
    assert log, "a process of the trial still lives"
    log.close()
    assert [t.state for t in study_in(folder).trials] == [TrialState.COMPLETE, TrialState.RUNNING]
    then.rename(today)
    place[-1] = f"prepare.shards_dir={today}"
    done = called(sweep.main, path, *place)
    assert done.returncode == 0, done.stderr
    trials = study_in(folder).trials
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 2
    assert {t.params["train.learning_rate"] for t in trials} == {0.003, 0.01}
    assert len(list(folder.glob("*-trial-*/config.toml"))) == 2
    assert all(list(t.intermediate_values) == [0, 1] for t in trials)
    assert all(t.value == max(t.intermediate_values.values()) for t in trials)
    best = max(trials, key=lambda trial: trial.value)
    question, _, _, first, second, *_ = done.stdout.splitlines()
    assert question == "Which <learning rate>?" and first.split()[0] == str(best.number)
    assert float(first.split()[1]) >= float(second.split()[1])
    page = (folder / "report.html").read_text()
    scripts = Scripts()
    scripts.feed(page)
    assert scripts.addresses == [] and "Which &lt;learning rate&gt;?" in page
    assert page.count("Plotly.newPlot(") >= 4
    assert called(sweep.main, path, "--report", *place).stdout == done.stdout


@pytest.mark.slow
def test_a_trial_scores_like_a_run_of_its_settings_whatever_the_trials_before_it_left_behind(
    file, place, tmp_path
):
    choices = 'mixed_precision = ["no", "bf16"]'
    running = start(file(GRID.replace("learning_rate = [0.003, 0.01]", choices)), place)
    output, errors = running.communicate(timeout=300)
    assert running.returncode == 0, output + errors
    trial = study_in(tmp_path / "runs/lr").trials[1]
    run_program(
        "train.py", "--config", str(tmp_path / f"runs/lr/{trial.user_attrs['run']}/config.toml"),
        "--name", "alone", "--set", f"train.runs_dir={tmp_path}",
    ).check_returncode()  # fmt: skip
    (last,) = tmp_path.glob("*-alone/checkpoints/last.safetensors")
    scores = load_checkpoint(last).state["progress"]["scores"]
    assert trial.intermediate_values == dict(enumerate(scores))


@pytest.mark.slow
def test_two_processes_share_a_grid_and_a_trial_that_fails_is_named_and_tried_once_by_each(
    file, place, tmp_path
):
    names = '[["synthetic"], ["nowhere"]]'
    path = file(GRID.replace("learning_rate = [0.003, 0.01]", f"datasets = {names}"))
    ended = []
    for running in [start(path, place) for _ in range(2)]:
        output, errors = running.communicate(timeout=300)
        assert running.returncode in (0, 1), output + errors
        ended.append((running.returncode, output, errors))
    # One that ends while the other, begun after the failure, tries it again knows of no failed one.
    output, errors = next((told, error) for code, told, error in ended if code == 1)
    assert "error: 1 of 2 trials failed, see " in errors
    trials = study_in(tmp_path / "runs/lr").trials
    assert {t.params["train.datasets"]: failed(t) for t in trials} == {
        '["synthetic"]': False,
        '["nowhere"]': True,
    }
    assert len(trials) == 2 and len(list(tmp_path.glob("runs/lr/*-trial-*/config.toml"))) == 1
    assert re.search(r"trial \d: .*nowhere/train/.*not there; pack this data set", output)
    logs = [log.read_text() for log in tmp_path.glob("runs/lr/*.log")]
    # Once, and once more where the second process began only after it had failed.
    assert sum(log.count("pack this data set") for log in logs) in (1, 2)


@pytest.mark.slow
def test_a_trial_that_failed_is_tried_again_by_the_same_command_and_each_begin_is_told(
    called, caplog, file, packed, place, tmp_path
):
    path = file(TPE.replace("trials = 6", "trials = 1"))
    folder, shards = tmp_path / "runs/lr", tmp_path / "shards"
    place = [*place, "--set", f"prepare.shards_dir={shards}"]
    caplog.set_level("INFO")
    done = called(sweep.main, path, *place)
    assert done.returncode == 1 and re.search(r"trial 0: .*pack this data set", done.stdout)
    assert f"1 of 1 trials failed, see {folder}/trial-0000.log" in done.stderr
    shards.symlink_to(packed / "shards")
    done = called(sweep.main, path, *place)
    assert done.returncode == 0, done.stderr
    (trial,) = study_in(folder).trials
    assert trial.state == TrialState.COMPLETE and trial.value > 0 and not failed(trial)
    chosen = f"train.learning_rate={trial.params['train.learning_rate']}"
    for how in ("begins", "goes on"):
        assert f"trial 1/1 {how}: {chosen}; log in {folder}/trial-0000.log" in caplog.text


@pytest.mark.slow
def test_a_database_that_is_lost_in_mid_study_is_named_in_one_line(called, file, place, tmp_path):
    folder, path = tmp_path / "runs/lr", file(GRID)

    def lose():
        while not list(folder.glob("*-trial-0000/checkpoints/last.safetensors")):
            time.sleep(0.01)
        (folder / "study.db").write_bytes(b"")

    with ThreadPoolExecutor() as pool:
        lost = pool.submit(lose)
        done = called(sweep.main, path, *place)
        lost.result(timeout=60)
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert re.match(r"error: sqlite:///.*: the database cannot be used \(.*no such", last)
    assert take(folder, 0, new=False), "a process of the trial still lives"


def scored(plan: Plan, score: float | None, **details) -> FrozenTrial:
    """A trial that ended with `score` after one epoch, or ended before."""
    epochs = {} if score is None else {0: score}
    return create_trial(
        value=score if not details else None, intermediate_values=epochs,
        params={"train.learning_rate": 0.01}, distributions=plan.space, **details,
    )  # fmt: skip


def test_a_study_with_a_failed_trial_exits_1_and_names_its_log(called, file, place, tmp_path):
    plan, folder = load_plan(str(file(GRID)), place[1::2]), tmp_path / "runs/lr"
    folder.mkdir(parents=True)
    study = open_study(plan, f"sqlite:///{folder}/study.db")
    study.add_trial(scored(plan, 50.0))
    message = {"message": "the loss is nan"}
    study.add_trial(scored(plan, None, state=TrialState.RUNNING, user_attrs=message))
    done = called(sweep.main, tmp_path / "lr.toml", "--report", *place)
    assert done.returncode == 1
    assert f"error: 1 of 2 trials failed, see {folder}/trial-0001.log; the same" in done.stderr
    assert "trial 1: the loss is nan" in done.stdout and (folder / "report.html").exists()


def test_the_table_has_the_best_trial_first_however_it_ended_and_the_unscored_last(file):
    plan, study = load_plan(str(file(GRID))), optuna.create_study(direction="maximize")
    study.add_trial(scored(plan, None, state=TrialState.RUNNING))
    study.add_trial(scored(plan, 40.0, state=TrialState.RUNNING))
    study.add_trial(scored(plan, 50.0))
    study.add_trial(scored(plan, 60.0, state=TrialState.PRUNED))
    study.add_trial(scored(plan, 0.0))
    assert [trial.number for trial in trials_of(study)] == [3, 2, 1, 4, 0]


@pytest.mark.slow
def test_a_clearly_worse_trial_is_pruned_and_its_run_ended(called, file, place, tmp_path):
    place, path = [*place, "--set", "train.epochs=8"], file(TPE)
    folder = tmp_path / "runs/lr"
    folder.mkdir(parents=True)
    plan = load_plan(str(path), place[1::2])
    study = open_study(plan, f"sqlite:///{folder}/study.db")
    for _ in range(5):  # no score can be as high
        curve = dict.fromkeys(range(8), 101.0)
        study.add_trial(
            create_trial(
                value=101.0,
                intermediate_values=curve,
                distributions=plan.space,
                params={"train.learning_rate": 0.01},
            )  # fmt: skip
        )
    done = called(sweep.main, path, *place)
    assert done.returncode == 0, done.stderr
    last = study_in(folder).trials[-1]
    assert last.state == TrialState.PRUNED and last.number == 5
    assert len(last.intermediate_values) == 3  # a quarter of the epochs, and the one that decided
    assert "pruned" in done.stdout and take(folder, 5, new=False)
