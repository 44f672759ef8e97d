"""Files that are there whole, or not at all."""

import os

from storage.places import Place, RemotePath


def write_whole(path: Place, data: bytes) -> None:
    """Write a file so that under its name there is never a part of it: fsync, then rename.

    Stores at an address do so by themselves.
    """
    if isinstance(path, RemotePath):
        path.write_bytes(data)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
