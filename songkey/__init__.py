"""What is installed: the key of any audio file, without PyTorch. Imports nothing of ours."""
