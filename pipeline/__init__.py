"""STREAMING: from tar files to a batch of spectrograms on the device."""
