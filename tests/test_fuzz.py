"""A short form of `just fuzz`."""

from fuzz import ANSWERED, ENDINGS, FAULTS, fuzz

FILES = 6 * len(ENDINGS)


def test_damaged_files_of_every_container_are_answered_or_named():
    counted = fuzz(FILES, seed=5)
    assert counted.total() == FILES
    assert {one: counted[one] for one in FAULTS} == dict.fromkeys(FAULTS, 0)
    assert counted[ANSWERED] > FILES / 5 and len(counted) > 3
