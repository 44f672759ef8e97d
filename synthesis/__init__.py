"""The composer and the orchestra of the synthetic songs: from a key to a score to sound."""
