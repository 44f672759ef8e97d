# Every command of the project. `just` lists them; extra arguments pass through to the program behind.

set positional-arguments

python := env("PYTHON", "python3")
bin := ".venv/bin"
just := quote(just_executable())
# By itself accelerate launch takes one thread for what is computed on the CPU.
# exec: the SIGTERM that just passes on is then the program's, not a shell's.
launch := "exec env OMP_NUM_THREADS=" + env("OMP_NUM_THREADS", num_cpus()) + " " + bin / "python -m training.launcher --quiet"
dask_port := "8786"

[private]
default: help

# List the recipes with what each does
[group('setup')]
help:
    @{{just}} --list --unsorted

# Make .venv anew and install everything, in the exact versions of requirements.txt
[group('setup')]
setup: _own
    {{python}} -m venv --clear .venv
    @{{just}} _install dev
    @echo "installed in .venv"

# setup, and let git check format and style before each commit
[group('setup')]
install: setup
    {{bin}}/pre-commit install

# Install what a recipe needs, unless it or everything is there: "light", or an extra of pyproject.toml
_needs EXTRA:
    #!/usr/bin/env bash
    set -euo pipefail
    for installed in .venv/installed-dev .venv/installed-{{EXTRA}}; do
        [[ $installed -nt requirements.txt && $installed -nt pyproject.toml ]] && exit
    done
    [[ -e .venv ]] || {{python}} -m venv .venv
    {{just}} _install {{EXTRA}}

_own:
    @[ ! -L .venv ] || { echo "error: .venv is a link; run setup where it leads" >&2; exit 1; }

_install EXTRA: _own
    {{bin}}/python -m pip install --quiet --disable-pip-version-check --constraint requirements.txt --editable \
        '{{ if EXTRA == "light" { ".[tags,pictures]" } else { ".[" + EXTRA + "]" } }}'
    @touch .venv/installed-{{EXTRA}}

# The whole path on made-up songs: pack, train, evaluate, predict; fails below 80 weighted
[group('setup')]
demo: (_needs "cluster")
    {{bin}}/python -m study.demo

# Pack data sets into shards: just prepare-shards audio gs_mtg gs_key, just prepare-shards png folder ~/Music
[group('prepare')]
prepare-shards FORMAT="audio" *ARGS: (_needs "cluster")
    @shift; {{bin}}/python -m shards pack "$@" --format {{quote(FORMAT)}}

# Download a data set's files and check them: just download gs_key
[group('prepare')]
download *ARGS: (_needs "cluster")
    {{bin}}/python -m shards download "$@"

# Download and pack all three data sets as audio: gs_mtg, gs_key and, where it has labels, ncs
[group('prepare')]
prepare-audio *ARGS: (_needs "cluster")
    {{just}} prepare-gs-mtg-audio "$@"
    {{just}} prepare-gs-key-audio "$@"
    {{just}} prepare-ncs-audio "$@"

# Download NoCopyrightSounds and pack it as audio; its keys come from datasets.ncs.labels
[group('prepare')]
prepare-ncs-audio *ARGS: (_needs "cluster")
    {{bin}}/python -m shards download ncs "$@"
    {{bin}}/python -m shards pack ncs --format audio "$@"

# Download GiantSteps MTG Key and pack it as audio, for training and validation only
[group('prepare')]
prepare-gs-mtg-audio *ARGS: (_needs "cluster")
    {{bin}}/python -m shards download gs_mtg "$@"
    {{bin}}/python -m shards pack gs_mtg --format audio "$@"

# Download GiantSteps Key, the test set, and pack it as audio
[group('prepare')]
prepare-gs-key-audio *ARGS: (_needs "cluster")
    {{bin}}/python -m shards download gs_key "$@"
    {{bin}}/python -m shards pack gs_key --format audio "$@"

# Download and pack all three data sets as audio, then make their spectrograms
[group('prepare')]
prepare-spectrograms *ARGS: (_needs "cluster")
    {{just}} prepare-audio "$@"
    {{bin}}/python -m shards spectrograms gs_mtg gs_key ncs "$@"

# Make PNG shards of the audio shards that exist: just create-spectrograms synthetic
[group('prepare')]
create-spectrograms *ARGS: (_needs "cluster")
    {{bin}}/python -m shards spectrograms "$@"

# Copy PNG shards to a folder or address: just publish-images s3://bucket/shards synthetic
[group('prepare')]
publish-images DEST *ARGS: (_needs "cluster")
    {{bin}}/python -m shards publish "$@"

# Download ready-made PNG shards from images.base_url: just prepare-images synthetic
[group('prepare')]
prepare-images *ARGS: (_needs "cluster")
    {{bin}}/python -m shards images "$@"

# Index shards that others made, where they lie: just index-shards 's3://bucket/{000..146}.tar' --name music
[group('prepare')]
index-shards *ARGS: (_needs "cluster")
    {{bin}}/python -m shards index "$@"

# Start a Dask scheduler and two workers here, to pack with --scheduler tcp://127.0.0.1:8786
[group('prepare')]
dask-up *ARGS: (_needs "cluster")
    #!/usr/bin/env bash
    export PYTHONPATH=. OMP_NUM_THREADS=1
    trap 'trap "" INT TERM; kill $(jobs -p) 2>/dev/null; wait' EXIT
    {{bin}}/dask scheduler --host 127.0.0.1 --port {{dask_port}} --no-dashboard &
    {{bin}}/dask worker tcp://127.0.0.1:{{dask_port}} --nworkers 2 --nthreads 1 --no-dashboard "$@" &
    wait -n

# Write the manifests of shards that were packed in parts (--part 3/64): just merge-shards audio synthetic
[group('prepare')]
merge-shards FORMAT="audio" *ARGS: (_needs "cluster")
    @shift; {{bin}}/python -m shards merge "$@" --format {{quote(FORMAT)}}

# Pack shards anew from themselves, full and with today's labels, after songs came, changed or went: just compact-shards audio folder
[group('prepare')]
compact-shards FORMAT="audio" *ARGS: (_needs "cluster")
    @shift; {{bin}}/python -m shards compact "$@" --format {{quote(FORMAT)}}

# Read all shards back: checksums, counts, labels, no recording in two splits or with two keys
[group('prepare')]
check-shards *ARGS: (_needs "cluster")
    {{bin}}/python -m shards check "$@"

# Train on the shards of config.toml: just train --set train.epochs=5 --name mine
[group('train')]
train *ARGS: (_needs "train")
    {{launch}} train.py "$@"

# Train on the audio shards of ncs and gs_mtg
[group('train')]
train-audio *ARGS: (_needs "train")
    {{launch}} train.py --set stream.format=audio --set 'train.datasets=["ncs", "gs_mtg"]' "$@"

# Train on the audio shards of ncs alone
[group('train')]
train-audio-ncs-only *ARGS: (_needs "train")
    {{launch}} train.py --set stream.format=audio --set 'train.datasets=["ncs"]' "$@"

# Train on the audio shards of gs_mtg alone
[group('train')]
train-audio-gs_mtg-only *ARGS: (_needs "train")
    {{launch}} train.py --set stream.format=audio --set 'train.datasets=["gs_mtg"]' "$@"

# Train on the png shards of ncs and gs_mtg
[group('train')]
train-images *ARGS: (_needs "train")
    {{launch}} train.py --set stream.format=png --set 'train.datasets=["ncs", "gs_mtg"]' "$@"

# Train on the png shards of ncs alone
[group('train')]
train-images-ncs-only *ARGS: (_needs "train")
    {{launch}} train.py --set stream.format=png --set 'train.datasets=["ncs"]' "$@"

# Train on the png shards of gs_mtg alone
[group('train')]
train-images-gs_mtg-only *ARGS: (_needs "train")
    {{launch}} train.py --set stream.format=png --set 'train.datasets=["gs_mtg"]' "$@"

# Train from given weights with a fresh optimizer: just train-from-checkpoint runs/<run>
[group('train')]
train-from-checkpoint CHECKPOINT *ARGS: (_needs "train")
    {{launch}} train.py --from "$@"

# Train the network that comes with songkey on made-up songs, and export it; goes on where it stopped
[group('train')]
train-default *ARGS: (_needs "cluster")
    {{bin}}/python -m study.default "$@"

# Improve a trained network by your own music, which needs no labels: just adapt FOLDER --from runs/<run>
[group('train')]
adapt FOLDER *ARGS: (_needs "cluster")
    {{bin}}/python -m study.adapt "$@"

# Show the network: layers, output shapes, parameters, multiply-adds
[group('train')]
summary *ARGS: (_needs "train")
    {{bin}}/python -m training.summary "$@"

# Watch the curves of all runs in a browser
[group('train')]
tensorboard *ARGS: (_needs "train")
    {{bin}}/tensorboard --logdir runs "$@"

# Score a checkpoint on the songs of config.toml: just eval --checkpoint runs/<run>
[group('eval')]
eval *ARGS: (_needs "train")
    {{launch}} eval.py "$@"

# The same, said outright: full songs, each answered by the mean over its intervals
[group('eval')]
eval-full *ARGS: (_needs "train")
    {{launch}} eval.py --full "$@"

# Score on the audio shards of gs_key and of ncs's test split
[group('eval')]
eval-audio *ARGS: (_needs "train")
    {{launch}} eval.py --set stream.format=audio --set 'eval.datasets=["gs_key", "ncs"]' "$@"

# Score on the audio shards of ncs's test split
[group('eval')]
eval-audio-ncs-only *ARGS: (_needs "train")
    {{launch}} eval.py --set stream.format=audio --set 'eval.datasets=["ncs"]' "$@"

# Score on the audio shards of gs_key
[group('eval')]
eval-audio-gs_key-only *ARGS: (_needs "train")
    {{launch}} eval.py --set stream.format=audio --set 'eval.datasets=["gs_key"]' "$@"

# Score on the png shards of gs_key and of ncs's test split
[group('eval')]
eval-images *ARGS: (_needs "train")
    {{launch}} eval.py --set stream.format=png --set 'eval.datasets=["gs_key", "ncs"]' "$@"

# Score on the png shards of ncs's test split
[group('eval')]
eval-images-ncs-only *ARGS: (_needs "train")
    {{launch}} eval.py --set stream.format=png --set 'eval.datasets=["ncs"]' "$@"

# Score on the png shards of gs_key
[group('eval')]
eval-images-gs_key-only *ARGS: (_needs "train")
    {{launch}} eval.py --set stream.format=png --set 'eval.datasets=["gs_key"]' "$@"

alias eval-images-gs_mtg-only := eval-images-gs_key-only

# Fit a checkpoint's confidences to its valid songs: just calibrate --checkpoint runs/<run>
[group('eval')]
calibrate *ARGS: (_needs "train")
    {{launch}} eval.py --calibrate "$@"

# Write a run's network as one ONNX file, which answers without PyTorch: just export runs/<run>
[group('eval')]
export RUN *ARGS: (_needs "train")
    {{bin}}/python -m evaluation.export "$@"

# Compare the answers of two systems, song by song: just compare ours.tsv theirs.tsv
[group('eval')]
compare A B *ARGS: (_needs "train")
    {{bin}}/python eval.py --compare "$@"

# Score an exported network on labelled material, beside every target of the shipped one
[group('eval')]
evaluate-default FOLDER *ARGS: (_needs "train")
    {{bin}}/python -m evaluation.scorecard "$@"

# Compare our network with Essentia, and any table of answers: just compare-peers FOLDER --answers theirs=theirs.tsv
[group('eval')]
compare-peers FOLDER *ARGS: (_needs "prepare") _peers
    {{bin}}/python -m study.peers "$@"

_peers:
    #!/usr/bin/env bash
    set -euo pipefail
    [[ .venv-peers/installed -nt requirements-peers.txt ]] && exit
    {{python}} -m venv --clear .venv-peers
    .venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-peers.txt
    touch .venv-peers/installed

# Name the key of audio files: just predict song.mp3
[group('eval')]
predict *ARGS: (_needs "light")
    {{bin}}/python predict.py "$@"

# Show the keys of songs on a web page, which only this computer can open; Ctrl-C ends it
[group('eval')]
page *ARGS: (_needs "page")
    {{bin}}/python -m songkey page "$@"

# How many feature maps does the original's network need? A grid of five runs
[group('experiments')]
experiments-nf *ARGS: (_needs "sweep")
    {{bin}}/python -m study experiments/nf.toml "$@"

# Which learning rate, weight decay, dropout and batch size? Forty runs, hopeless ones cut short
[group('experiments')]
experiments-hparams *ARGS: (_needs "sweep")
    {{bin}}/python -m study experiments/hparams.toml "$@"

# Which songs are best to learn from: ncs, gs_mtg, or both? Three runs
[group('experiments')]
experiments-dataset *ARGS: (_needs "sweep")
    {{bin}}/python -m study experiments/dataset.toml "$@"

# Run the tests, in two processes; or some of them in one: just test tests/test_keys.py
[group('check')]
test *ARGS: (_needs "dev")
    {{bin}}/python -m pytest {{ if ARGS == "" { "--numprocesses 2 --dist worksteal" } else { "" } }} "$@"

# Run each recipe that trains, evaluates or searches once on made-up songs; takes minutes
[group('check')]
test-all *ARGS: (_needs "dev")
    {{bin}}/python -m pytest tests/every_recipe.py "$@"

# Damage 1,000 files of every container: each is to be answered or named; --files N, --seed N
[group('check')]
fuzz *ARGS: (_needs "dev")
    PYTHONPATH=. {{bin}}/python tests/fuzz.py "$@"

# Damage every 7th byte of small shards: each sample is to be as packed, counted or refused; --every K, --rounds N
[group('check')]
fuzz-shards *ARGS: (_needs "dev")
    {{bin}}/python tests/fuzz_shards.py "$@"

# Kill, stop, fill and starve packing, streaming, training and all else, 20 times each: nothing is to be lost
[group('check')]
test-faults *ARGS: (_needs "dev")
    PYTHONPATH=. OMP_NUM_THREADS=1 {{bin}}/python tests/faults.py "$@"

# Measure the speeds that README reports, as ratios; or some of them: just bench cqt streaming
[group('check')]
bench *ARGS: (_needs "dev")
    {{bin}}/python -m benchmarks "$@"

# Train and name keys for half an hour, or MINUTES: memory, open files and rates stay flat
[group('check')]
soak *ARGS: (_needs "dev")
    {{bin}}/python -m benchmarks.soaking "$@"

# Format the code
[group('check')]
format: (_needs "dev")
    {{bin}}/ruff format .
    {{bin}}/ruff check --fix .

# Check format, style and types without changing anything
[group('check')]
check: (_needs "dev")
    {{bin}}/ruff format --check .
    {{bin}}/ruff check .
    {{bin}}/mypy

# Remove caches and build products; data and runs stay
[group('check')]
clean:
    rm -rf .hypothesis .pytest_cache .ruff_cache .mypy_cache build dist *.egg-info
    find . \( -path ./.venv -o -path ./data -o -path ./runs \) -prune -o -name __pycache__ -print0 | xargs -0 rm -rf

# Remove the folders of all runs and studies in runs/, after asking; prints each
[group('check')]
[confirm("Remove all runs, with their checkpoints and curves, from runs/? [y/N]")]
clean-logs:
    @[ ! -d runs ] || find runs -mindepth 1 -maxdepth 1 -type d -exec test -e '{}/config.toml' \; -print -exec rm -rf {} +

# Train and validate for one full epoch on the settings of config.toml
[group('smoke')]
test-default *ARGS: (_needs "train")
    {{launch}} train.py --name test-default --set train.epochs=1 "$@"

# Learn one batch by heart; fails unless its loss falls below smoke.overfit_loss
[group('smoke')]
test-overfit *ARGS: (_needs "train")
    {{bin}}/python -m training.smoke overfit "$@"

# One train, one valid and one test step through the whole program, in a temporary folder
[group('smoke')]
test-fdr *ARGS: (_needs "train")
    {{bin}}/python -m training.smoke fdr "$@"

# Train on 1% of each epoch's steps, validate on 1% of the valid split, for train.epochs
[group('smoke')]
test-limit *ARGS: (_needs "train")
    {{launch}} train.py --name test-limit --set train.limit_fraction=0.01 "$@"

# Measure intervals a second for each batch size, and what fits into memory
[group('tune')]
tune-batch-size *ARGS: (_needs "train")
    {{bin}}/python -m training.tune batch-size "$@"

# Find a learning rate by a range test: a table, a plot and a suggestion
[group('tune')]
tune-learning-rate *ARGS: (_needs "train")
    {{bin}}/python -m training.tune learning-rate "$@"

# Train under pdb, which opens where an error is raised: one process, no workers
[group('tune')]
debug *ARGS: (_needs "train")
    AKC_DEBUG=1 {{bin}}/python -m pdb -c continue train.py --name debug --set stream.workers=0 "$@"

# Trace some training steps, print the ten dearest operators: one epoch, the trace in its run folder
[group('tune')]
profile *ARGS: (_needs "train")
    {{launch}} train.py --profile --name profile --set train.epochs=1 "$@"
