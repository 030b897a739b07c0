"""What hpflow raises."""


class Error(Exception):
    """Something could not be done; the sentence says what was found, what was expected and what to do."""


class UsageError(Error, ValueError):
    """Something else should have been asked for: the command's exit code 2."""


class InternalError(Error):
    """A bug in hpflow."""


for _error in (Error, UsageError, InternalError):
    _error.__module__ = "hpflow"
