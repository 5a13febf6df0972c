"""The exit codes of all commands. Standard library only: it is imported before anything is installed."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The meaning of a command's exit code."""

    DONE = 0
    NOT_SO = 1
    INVALID_REQUEST = 2
    UNAVAILABLE = 3
    NOT_STARTED = 4
    INTERRUPTED = 130


class InvalidRequest(Exception):
    """The request is not valid; the text contains the reason and what would be valid."""


PUBLISHED = """\
exit codes:
  0    done, with a positive result
  1    done, with a negative result: a test failed, the stores do not agree, a service is not healthy,
       a generated file is stale
  2    an argument or a setting is wrong
  3    this machine lacks something that could not be installed (the message contains the command that
       installs it), or a component or stage is unavailable or behind
  4    the stack could not be started: a port is in use, memory is too small, a service does not become
       healthy
  130  interrupted
"""
"""The part of `./vitrine --help` about them."""
