"""Preparation: from songs on the web, in a folder or made here to shards of intervals. Training never imports it."""
