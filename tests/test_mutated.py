"""Laws of damage that is done to files on purpose."""

import random

from mutated import mutated

DATA, OTHER = bytes(range(256)) * 20, b"another file"


def some(seed: int) -> list[bytes]:
    chance = random.Random(seed)
    return [mutated(DATA, OTHER, chance) for _ in range(300)]


def test_the_damage_of_a_seed_is_always_the_same():
    assert some(0) == some(0) != some(1)


def test_damage_changes_what_is_there_and_how_much_and_mixes_two_files():
    found = some(0)
    assert sum(one == DATA for one in found) < 30
    sizes = {len(one) for one in found}
    assert min(sizes) < len(DATA) < max(sizes) and len(DATA) in sizes
    assert any(one.startswith(DATA[:100]) and b"another" in one for one in found)


def test_nothing_is_left_to_damage_of_an_empty_file_and_that_is_no_fault():
    assert len({mutated(b"", OTHER, random.Random(seed)) for seed in range(50)}) > 1
