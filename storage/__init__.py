"""Where files lie: in a folder here, or at an address that fsspec knows."""
