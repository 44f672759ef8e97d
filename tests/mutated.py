"""Files as damage makes them: a whole one with some of its bytes changed, lost or moved."""

import random
from collections.abc import Callable

HEADER_BYTES = 600  # of a container, or so
NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)  # sizes that trap


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """`data` damaged once or a few times; some of it may come to be of the file `other`."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        data = chance.choice(MUTATIONS)(bytearray(data or b"\0"), other, chance)
    return data


def _place(data: bytes, chance: random.Random) -> int:
    """In the header as often as in all the rest."""
    end = len(data) if chance.random() < 0.5 else min(len(data), HEADER_BYTES)
    return chance.randrange(end)


def _flip_bits(data: bytearray, _: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 4, 64))):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)
    return bytes(data)


def _overwrite(data: bytearray, _: bytes, chance: random.Random) -> bytes:
    at, length = _place(data, chance), chance.choice((1, 8, 100, 3000))
    filling = chance.choice((b"\0", b"\xff", chance.randbytes(16)))
    end = min(len(data), at + length)
    data[at:end] = (filling * length)[: end - at]
    return bytes(data)


def _set_number(data: bytearray, _: bytes, chance: random.Random) -> bytes:
    at, size = _place(data, chance), chance.choice((1, 2, 4))
    number = chance.choice(NUMBERS) % 256**size
    data[at : at + size] = number.to_bytes(size, chance.choice(("little", "big")))
    return bytes(data)


def _cut(data: bytearray, _: bytes, chance: random.Random) -> bytes:
    return bytes(data[: _place(data, chance)])


def _lose(data: bytearray, _: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 100, 5000))]
    return bytes(data)


def _repeat(data: bytearray, _: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    part = data[at : at + chance.choice((1, 100, 5000))]
    return bytes(data[:at] + part * chance.choice((2, 50)) + data[at:])


def _splice(data: bytearray, other: bytes, chance: random.Random) -> bytes:
    """Its beginning with the other's end, or the other file behind it."""
    at = _place(data, chance) if chance.random() < 0.5 else len(data)
    return bytes(data[:at]) + other[_place(other, chance) if at < len(data) else 0 :]


MUTATIONS: tuple[Callable[[bytearray, bytes, random.Random], bytes], ...] = (
    _flip_bits, _overwrite, _set_number, _cut, _lose, _repeat, _splice,
)  # fmt: skip
