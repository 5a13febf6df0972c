"""What of Flink's web page and REST interface may be read through the Airflow UI. Pure.

Flink asks nobody what they may do: whoever it lets in sends it code, cancels jobs and reads its files. Some
of that goes by GET, too (`yarn-cancel`). So what is passed on is a list, and all else is refused. What holds
the settings or the words of a process (configuration, environment, logs) is not on it: Flink masks only the
passwords whose names it knows.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

LONGEST_QUERY = 3_000
"""Characters; Flink takes no more than 4,096 bytes in the first line of a request."""
_TYPES = {
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "ttf": "font/ttf",
    "json": "application/json",
}
_NAME = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
_FILE = re.compile(rf"{_NAME}\.(js|css)|assets/({_NAME}/)*{_NAME}\.({'|'.join(_TYPES)})")
_ID = "[0-9a-f]{32}"
_JOB, _VERTEX, _MANAGER = f"jobs/{_ID}", f"jobs/{_ID}/vertices/{_ID}", f"taskmanagers/{_NAME}(:{_NAME})*"
_READ = re.compile(
    "|".join(
        (
            "config",  # of the page: how often it is renewed, and the release
            "overview",
            "(jobs|applications)/overview",
            f"applications/{_ID}(/exceptions)?",
            f"{_JOB}(/exceptions|/resource-requirements)?",
            f"{_JOB}/checkpoints(/config|/details/[0-9]+(/subtasks/{_ID})?)?",
            f"{_JOB}/rescales/(config|history|overview|summary|details/[0-9a-f-]+)",
            f"{_VERTEX}(/(subtasks/)?(accumulators|metrics)|/backpressure|/subtasktimes|/taskmanagers|/watermarks)?",
            f"jobmanager/(metrics|thread-dump)|taskmanagers|{_MANAGER}(/metrics|/thread-dump)?",
        )
    )
)
_PARAMETERS = {"get": re.compile(r"[^\x00-\x1f\x7f]*"), "maxExceptions": re.compile(r"[0-9]{1,4}")}
"""Those that the page sends. Flink has others, by which one request can make it work for long."""
_WITHHELD = frozenset({"config", "environment", "log", "logs", "log-url", "stdout"})


@dataclass(frozen=True)
class Read:
    """What is asked of Flink: path and query as they are sent, in plain ASCII; and the type that its answer
    is said to have, whatever Flink says."""

    path: str
    query: str
    media_type: str
    unchanging: bool = False
    """A file whose name changes with its content."""


@dataclass(frozen=True)
class Refused:
    """Nothing is asked of Flink. `withheld`: it would have an answer that is not for this page."""

    why: str
    withheld: bool = False


def read(path: str, query: str) -> Read | Refused:
    """Returns what a GET of `path` (decoded, without a slash before it) with `query` (as it was sent) may
    read."""
    if path == "":
        return Read("/", "", "text/html")
    if file := _FILE.fullmatch(path):
        return Read(f"/{path}", "", _TYPES[file[0].rpartition(".")[2]], unchanging="/" not in path)
    if not _READ.fullmatch(path):
        if path.rpartition("/")[2] in _WITHHELD or "/logs/" in path:
            return Refused(
                "Configuration, environment and logs of Flink can hold passwords, and are not shown here. "
                "`./vitrine logs flink-jobmanager` shows the log.",
                withheld=True,
            )
        return Refused("Flink has no such page, or it is not shown here: only what the page reads is.")
    parameters = _parameters(query)
    if parameters is None:
        return Refused("This is not asked of Flink: a parameter is unknown, or too long.")
    return Read(f"/{path}", parameters, "application/json")


def _parameters(query: str) -> str | None:
    try:
        found = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=8)
    except ValueError:
        return None
    written = urlencode(found)
    known = all(name in _PARAMETERS and _PARAMETERS[name].fullmatch(value) for name, value in found)
    return written if known and len(written) <= LONGEST_QUERY else None


# The page's one script within an attribute, by its hash: it makes the style sheet, loaded for print, valid.
_ONLOAD = "'unsafe-hashes' 'sha256-MhtPZXr7+LpJUY5qtMutB+qWfQtMaPccfe7QXtCcEYc='"
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


def policy(host: str, below: str) -> str:
    """Returns the Content-Security-Policy of the page, for the Host that was asked and the path `below` which
    all of it lies.

    The page has the origin of the Airflow UI, and its scripts are not ours. They may read only what is below
    that path: a script that got in through the name of a job, say, reads nothing of Airflow. Nor may they
    open a window, be in a frame, or send a form; no policy can keep a page from going elsewhere itself.
    Service workers, whose answers would have no policy, are refused by vitrine_doors. An address that CSP
    cannot express (IPv6) stands for its whole origin."""
    here = f"{host}{below}" if _HOST.fullmatch(host) else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {here} {_ONLOAD}",
            f"style-src {here} 'unsafe-inline'",
            f"img-src {here} data:",
            *(f"{kind}-src {here}" for kind in ("font", "connect", "manifest")),
            f"worker-src {here} blob:",
            f"base-uri {here}",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "sandbox allow-scripts allow-same-origin",
        )
    )
