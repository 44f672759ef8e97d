"""Read an epoch of the train split of `folder`, and write down what came; needs --set for that."""

import json
from pathlib import Path
from zlib import crc32

from evaluation.listener import shards_of
from pipeline.loader import loader
from pipeline.stream import training_stream
from settings.command import run
from settings.config import config_parser, load_config

WORKERS = 2


def main() -> None:
    """Keys and checksums of all intervals, in their order, into read.json."""
    config = load_config(None, config_parser(__doc__).parse_args().overrides)
    stream = training_stream(shards_of(config, config, ("folder",), "train"), 8, 0, 1, 0, 0, 48, 64)
    came = []
    for batch in loader(stream, WORKERS, False):
        for waveform, key_id in zip(batch.waveform.numpy(), batch.key_id.tolist(), strict=True):
            came.append((key_id, crc32(waveform.tobytes())))
    Path("read.json").write_text(json.dumps([came, stream.bad_samples]))


if __name__ == "__main__":
    run(main)
