"""config.toml: read, checked and overridden; how a program begins and ends."""
