"""Learning: from a log CQT to a key. Knows nothing of audio files or shards."""
