"""Evaluation: what a network, or any other program, answers for songs, and how good it is."""
