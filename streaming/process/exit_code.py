"""How every command ends: its exit code. Standard library only: it is read before anything is installed."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's end means."""

    DONE = 0
    NOT_SO = 1
    INVALID_REQUEST = 2
    UNAVAILABLE = 3
    NOT_STARTED = 4
    INTERRUPTED = 130


class InvalidRequest(Exception):
    """What was asked for makes no sense as it stands; the text says why, and what would."""


PUBLISHED = """\
exit codes:
  0    done, and what was asked is so
  1    done, and it is not so: a test failed, the stores do not agree, a service is not healthy, a
       generated file is stale
  2    the command line is wrong, or a setting
  3    this machine lacks something that could not be installed (the message names the command that
       would), or a component could not be asked: it is down, silent or behind
  4    the stack could not be started: a port in use, too little memory, a service that does not get
       healthy
  130  interrupted
"""
"""What `./vitrine --help` says of them."""
