"""What a song's opening should count is tried on whole songs."""

import numpy as np

from evaluation.heard import Heard
from songkey.keys import Key
from study import opening


def sure_of(*keys: Key) -> np.ndarray:
    logits = np.zeros((len(keys), 24))
    logits[np.arange(len(keys)), [key.id for key in keys]] = 9.0
    return logits


def test_the_table_shows_what_the_opening_is_worth():
    home, dominant = Key(0, "major"), Key(7, "major")
    stays = Heard("whole", "stays", home, sure_of(home, home))
    leaves = Heard("whole", "leaves", home, sure_of(home, dominant, dominant, home, dominant))
    rows = [line.split() for line in opening.table([stays, leaves]).splitlines()[1:]]
    scores = {(row[0], row[1]): row[2:] for row in rows}
    assert scores["1.0", "0.0"] == ["75.0", "100.0", "50.0", "nan"]  # a fifth off is half a point
    assert scores["1.0", "0.45"] == ["100.0", "100.0", "100.0", "nan"]


def test_the_command_hears_whole_songs(called):
    done = called(opening.main, "--songs", "3")
    assert done.returncode == 0, done.stderr
    assert "all (3)" in done.stdout and len(done.stdout.splitlines()) == 22
