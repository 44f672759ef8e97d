"""What recordings are known by, in songs and in shards, and of which data sets it tells the key."""

MARKS = ("identity", "name")  # of a song: what only songs of one recording share
# What songs of one key alone may share. GiantSteps was labelled file by file: remixes of one name
# have keys of their own, and the test set is scored whole.
ONE_KEY = {"gs_mtg": ("identity",), "gs_key": (), "gs_key_plus": ()}
