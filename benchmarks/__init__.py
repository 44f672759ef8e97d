"""Scripts that print, in one run, how this project's parts compare with their yardsticks."""
