"""Training: a run, what a person sees of it, and how it goes on."""
