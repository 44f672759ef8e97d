"""The root of all errors that a user can mend."""


class AudioKeyError(ValueError):
    """Says what is wrong, where, and what to do; programs print it in one line and exit with 1.

    Any other exception is a fault of ours and shows its traceback.
    """
