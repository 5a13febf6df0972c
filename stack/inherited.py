"""What a process of the stack gets of the environment of whoever starts it: nothing that may be a secret.

Standard library only.
"""

import stat
from collections.abc import Mapping
from pathlib import Path

NAMES = frozenset({"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ"})
PATHS = {
    "TMPDIR": stat.S_IROTH | stat.S_IWOTH | stat.S_IXOTH,
    "SSL_CERT_FILE": stat.S_IROTH,
    "SSL_CERT_DIR": stat.S_IROTH | stat.S_IXOTH,
}
"""What everybody must be allowed to do with the path that a variable names."""


def inherited(given: Mapping[str, str], root: bool) -> dict[str, str]:
    """Returns the part of `given`, an environment, that processes get. With `root`, they run as accounts
    without rights: a folder or file that is closed to these, such as a TMPDIR of root's own, is left out."""
    found = {name: value for name, value in given.items() if name in NAMES or name.startswith("LC_")}
    for name, needed in PATHS.items():
        if name in given and (not root or open_to_others(Path(given[name]), needed)):
            found[name] = given[name]
    return found


def open_to_others(named: Path, needed: int) -> bool:
    """True if others may do `needed` (bits of a mode) with the path `named`, and enter all above it."""
    path = named.resolve()
    try:
        entered = all(one.stat().st_mode & stat.S_IXOTH for one in path.parents)
        return entered and path.stat().st_mode & needed == needed
    except OSError:
        return False
