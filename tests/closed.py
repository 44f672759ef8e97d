"""Folders that may not be read, also for root, who may read any."""

import os


def close_folder(monkeypatch, name):
    """No folder of that name can be listed until the test ends."""
    scan = os.scandir

    def refusing(path):
        if os.path.basename(path) == name:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
