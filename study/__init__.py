"""A study: trials that search settings, each an ordinary training run."""
