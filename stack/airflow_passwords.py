"""The generated passwords of Airflow's users, in a file that its owner alone may read."""

import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from stack.layout import Layout
from streaming.data_folder import atomic_file
from streaming.process.exit_code import InvalidRequest


def file(layout: Layout) -> Path:
    """Returns the simple auth manager's own file: a JSON object of user and password."""
    return layout.run / "airflow-passwords.json"


def _unshown(layout: Layout) -> Path:
    """Returns the file that lists the users whose password was not shown yet."""
    return layout.run / "airflow-passwords-unshown.json"


def ensure(layout: Layout, users: Iterable[str]) -> None:
    """Makes a password for each of `users` that has none, and forgets those of others. Airflow would write
    the passwords that it makes itself into its log."""
    known, names = _read(file(layout)), list(users)
    wanted = {name: known.get(name) or secrets.token_urlsafe(12) for name in names}
    if wanted == known:
        return
    unshown = {*_read(_unshown(layout)), *(wanted.keys() - known.keys())} & wanted.keys()
    _write(_unshown(layout), dict.fromkeys(sorted(unshown), ""))
    _write(file(layout), wanted)


def password(layout: Layout, user: str) -> str:
    """Returns the password of `user`. Raises KeyError for an unknown user, and for all before Airflow's first
    start."""
    return _read(file(layout))[user]


def take_unshown(layout: Layout) -> dict[str, str]:
    """Returns, by user, the passwords that were made since the last call. The caller shows them now; later
    they are shown only on request."""
    unshown, known = _read(_unshown(layout)), _read(file(layout))
    _unshown(layout).unlink(missing_ok=True)
    return {name: known[name] for name in unshown if name in known}


def _read(path: Path) -> dict[str, str]:
    """Raises InvalidRequest if the file, which Airflow's account may write, is not as we write it."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise InvalidRequest(
            f"{path} is no JSON object of users and passwords: remove it, and ./vitrine up makes it anew"
        )
    return dict(found)


def _write(path: Path, content: dict[str, str]) -> None:
    atomic_file.write(path, json.dumps(content).encode(), mode=0o600)
