# Every command of the project. `just` lists them; extra arguments pass through to the program behind.

set positional-arguments

python := env("PYTHON", "python3")
bin := ".venv/bin"
just := quote(just_executable())
launch := bin / "accelerate launch --quiet"
dask_port := "8786"

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
    @[ .venv/installed -nt requirements.txt ] || {{just}} setup

# The whole path on made-up songs: pack, train, evaluate, predict; fails below 80 weighted
[group('setup')]
demo: _installed
    {{bin}}/python demo.py

# Pack data sets into shards: just prepare-shards audio gs_mtg gs_key, just prepare-shards png folder ~/Music
[group('prepare')]
prepare-shards FORMAT="audio" *ARGS: _installed
    @shift; {{bin}}/python -m shards pack "$@" --format {{quote(FORMAT)}}

# Download a data set's files and check them: just download gs_key
[group('prepare')]
download *ARGS: _installed
    {{bin}}/python -m shards download "$@"

# Download and pack all three data sets as audio: ncs, gs_mtg, gs_key
[group('prepare')]
prepare-audio *ARGS: _installed
    {{just}} prepare-ncs-audio "$@"
    {{just}} prepare-gs-mtg-audio "$@"
    {{just}} prepare-gs-key-audio "$@"

# Download NoCopyrightSounds and pack it as audio; its keys come from datasets.ncs.labels
[group('prepare')]
prepare-ncs-audio *ARGS: _installed
    {{bin}}/python -m shards download ncs "$@"
    {{bin}}/python -m shards pack ncs --format audio "$@"

# Download GiantSteps MTG Key and pack it as audio, for training and validation only
[group('prepare')]
prepare-gs-mtg-audio *ARGS: _installed
    {{bin}}/python -m shards download gs_mtg --set split.test_fraction=0.0 "$@"
    {{bin}}/python -m shards pack gs_mtg --format audio --set split.test_fraction=0.0 "$@"

# Download GiantSteps Key, the test set, and pack it as audio
[group('prepare')]
prepare-gs-key-audio *ARGS: _installed
    {{bin}}/python -m shards download gs_key "$@"
    {{bin}}/python -m shards pack gs_key --format audio "$@"

# Download and pack all three data sets as audio, then make their spectrograms
[group('prepare')]
prepare-spectrograms *ARGS: _installed
    {{just}} prepare-audio "$@"
    {{bin}}/python -m shards spectrograms ncs gs_mtg gs_key "$@"

# Make PNG shards of the audio shards that exist: just create-spectrograms synthetic
[group('prepare')]
create-spectrograms *ARGS: _installed
    {{bin}}/python -m shards spectrograms "$@"

# Copy PNG shards to a folder or address: just publish-images s3://bucket/shards synthetic
[group('prepare')]
publish-images DEST *ARGS: _installed
    {{bin}}/python -m shards publish "$@"

# Download ready-made PNG shards from images.base_url: just prepare-images synthetic
[group('prepare')]
prepare-images *ARGS: _installed
    {{bin}}/python -m shards images "$@"

# Start a Dask scheduler and two workers here, to pack with --scheduler tcp://127.0.0.1:8786
[group('prepare')]
dask-up *ARGS: _installed
    #!/usr/bin/env bash
    export PYTHONPATH=. OMP_NUM_THREADS=1
    trap 'trap "" INT TERM; kill $(jobs -p) 2>/dev/null; wait' EXIT
    {{bin}}/dask scheduler --host 127.0.0.1 --port {{dask_port}} --no-dashboard &
    {{bin}}/dask worker tcp://127.0.0.1:{{dask_port}} --nworkers 2 --nthreads 1 --no-dashboard "$@" &
    wait -n

# Write the manifests of shards that were packed in parts (--part 3/64): just merge-shards audio synthetic
[group('prepare')]
merge-shards FORMAT="audio" *ARGS: _installed
    @shift; {{bin}}/python -m shards merge "$@" --format {{quote(FORMAT)}}

# Read all shards back: checksums, counts, labels, no recording in two splits
[group('prepare')]
check-shards *ARGS: _installed
    {{bin}}/python -m shards check "$@"

# Train on the shards of config.toml: just train --set train.epochs=5 --name mine
[group('train')]
train *ARGS: _installed
    {{launch}} train.py "$@"

# Watch the curves of all runs in a browser
[group('train')]
tensorboard *ARGS: _installed
    {{bin}}/tensorboard --logdir runs "$@"

# Score a checkpoint on full songs: just eval --checkpoint runs/<run>
[group('eval')]
eval *ARGS: _installed
    {{launch}} eval.py "$@"

# Name the key of audio files: just predict song.mp3
[group('eval')]
predict *ARGS: _installed
    {{bin}}/python predict.py "$@"

# Run the tests
[group('check')]
test *ARGS: _installed
    {{bin}}/python -m pytest "$@"

# Measure the speeds that README reports, as ratios
[group('check')]
bench *ARGS: _installed
    {{bin}}/python -m benchmarks "$@"

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

# Train and validate for one full epoch on the settings of config.toml
[group('smoke')]
test-default *ARGS: _installed
    {{launch}} train.py --name test-default --set train.epochs=1 "$@"

# Learn one batch by heart; fails unless its loss falls below smoke.overfit_loss
[group('smoke')]
test-overfit *ARGS: _installed
    {{bin}}/python smoke.py overfit "$@"

# One train, one valid and one test step through the whole program, in a temporary folder
[group('smoke')]
test-fdr *ARGS: _installed
    {{bin}}/python smoke.py fdr "$@"

# Train and validate on 1% of the data, as many epochs as train.epochs says
[group('smoke')]
test-limit *ARGS: _installed
    {{launch}} train.py --name test-limit --set train.limit_fraction=0.01 "$@"

# Measure intervals a second for each batch size, and what fits into memory
[group('tune')]
tune-batch-size *ARGS: _installed
    {{bin}}/python tune.py batch-size "$@"

# Find a learning rate by a range test: a table, a plot and a suggestion
[group('tune')]
tune-learning-rate *ARGS: _installed
    {{bin}}/python tune.py learning-rate "$@"

# Train under pdb, which opens where an error is raised: one process, no workers
[group('tune')]
debug *ARGS: _installed
    AKC_DEBUG=1 {{bin}}/python -m pdb -c continue train.py --name debug --set stream.workers=0 "$@"

# Trace some training steps, print the ten dearest operators: one epoch, the trace in its run folder
[group('tune')]
profile *ARGS: _installed
    {{launch}} train.py --profile --name profile --set train.epochs=1 "$@"
