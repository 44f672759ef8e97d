# Every command of the project. `just` lists them; extra arguments pass through to the program behind.

python := env("PYTHON", "python3")
bin := ".venv/bin"
launch := bin / "accelerate launch --quiet"

# List the recipes
default:
    @just --list --unsorted

# Make .venv and install the exact versions of requirements.txt
[group('setup')]
setup:
    {{python}} -m venv --clear .venv
    {{bin}}/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
    @touch .venv/installed
    @echo "installed in .venv"

# Run setup if .venv is missing or older than requirements.txt
_installed:
    @[ .venv/installed -nt requirements.txt ] || just setup

# The whole path on made-up songs: pack, train, evaluate, predict; fails below 80 weighted
[group('setup')]
demo: _installed
    {{bin}}/python demo.py

# Pack a data set into shards: just prepare-shards audio synthetic, just prepare-shards png folder ~/Music
[group('prepare')]
prepare-shards FORMAT="audio" DATASET="synthetic" *ARGS: _installed
    {{bin}}/python -m shards pack {{DATASET}} --format {{FORMAT}} {{ARGS}}

# Start a Dask scheduler and two workers here, to pack with --scheduler tcp://127.0.0.1:8786
[group('prepare')]
dask-up *ARGS: _installed
    #!/usr/bin/env bash
    export PYTHONPATH=. OMP_NUM_THREADS=1
    trap 'kill $(jobs -p) 2>/dev/null' EXIT
    {{bin}}/dask scheduler --host 127.0.0.1 --port 8786 --no-dashboard &
    {{bin}}/dask worker tcp://127.0.0.1:8786 --nworkers 2 --nthreads 1 --no-dashboard {{ARGS}}

# Write the manifests of shards that were packed in parts (--part 3/64): just merge-shards audio synthetic
[group('prepare')]
merge-shards FORMAT="audio" DATASET="synthetic" *ARGS: _installed
    {{bin}}/python -m shards merge {{DATASET}} --format {{FORMAT}} {{ARGS}}

# Read all shards back: checksums, counts, labels, no recording in two splits
[group('prepare')]
check-shards *ARGS: _installed
    {{bin}}/python -m shards check {{ARGS}}

# Train on the shards of config.toml: just train --set train.epochs=5 --name mine
[group('train')]
train *ARGS: _installed
    {{launch}} train.py {{ARGS}}

# Watch the curves of all runs in a browser
[group('train')]
tensorboard *ARGS: _installed
    {{bin}}/tensorboard --logdir runs {{ARGS}}

# Score a checkpoint on full songs: just eval --checkpoint runs/<run>
[group('eval')]
eval *ARGS: _installed
    {{launch}} eval.py {{ARGS}}

# Name the key of audio files: just predict song.mp3
[group('eval')]
predict *ARGS: _installed
    {{bin}}/python predict.py {{ARGS}}

# Run the tests
[group('check')]
test *ARGS: _installed
    {{bin}}/python -m pytest {{ARGS}}

# Measure the speeds that README reports, as ratios
[group('check')]
bench *ARGS: _installed
    {{bin}}/python -m benchmarks {{ARGS}}

# Format the code
[group('check')]
format: _installed
    {{bin}}/ruff format .
    {{bin}}/ruff check --fix .

# Check format and style without changing anything
[group('check')]
lint: _installed
    {{bin}}/ruff format --check .
    {{bin}}/ruff check .
