"""Preparation: from songs, found or made, to shards of intervals. Training never imports it."""
