"""Which songs train, validate and test: decided for a recording, before it is cut."""

import hashlib

from songs.song import Song


def split_of(song: Song, valid_fraction: float, test_fraction: float, seed: int) -> str:
    """'train', 'valid' or 'test': the song's own, else drawn by a hash of its recording's id.

    What one recording draws does not depend on which others there are.
    """
    if song.split:
        return song.split
    if not song.testable:
        test_fraction = 0.0
    digest = hashlib.sha256(f"{seed}:{song.recording_id}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64  # 0 to 1, evenly
    if position < test_fraction:
        return "test"
    return "valid" if position < test_fraction + valid_fraction else "train"
