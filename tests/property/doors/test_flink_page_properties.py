"""Whatever is asked, Flink gets a plain path that the page reads, or nothing."""

import re
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from streaming.doors.flink_page import LONGEST_QUERY, Read, policy, read

ID = st.text("0123456789abcdef", min_size=32, max_size=32)
WORDS = (
    *(
        "jobs",
        "jars",
        "jobmanager",
        "taskmanagers",
        "taskmanager",
        "applications",
        "vertices",
        "assets",
        "v1",
    ),
    *("overview", "config", "environment", "log", "logs", "stdout", "log-url", "metrics", "thread-dump"),
    *("yarn-cancel", "yarn-stop", "savepoints", "stop", "cancel", "run", "plan", "upload", "profiler"),
    *("details", "subtasks", "checkpoints", "flamegraph", "x.js", "x.css", "x.log", "..", ".", "", "%2e%2e"),
    *(
        "..%2f",
        "..%252f",
        "\\",
        "a:b",
        "@evil",
        "?",
        "#",
        ";",
        "\r\nHost: evil",
        "\x00",
        "\u0131",
        "\uff0e\uff0e",
    ),
)
SEGMENT = st.sampled_from(WORDS) | ID | st.text(max_size=4)
PATH = st.lists(SEGMENT, min_size=1, max_size=7).map("/".join) | st.text(max_size=40)
ALLOWED = st.builds(
    str.format,
    st.sampled_from(
        (
            "jobs/overview",
            "jobs/{0}",
            "jobs/{0}/exceptions",
            "jobs/{0}/vertices/{1}/subtasks/metrics",
            "jobs/{0}/checkpoints/details/7",
            "taskmanagers/taskmanager/metrics",
            "assets/images/flink.svg",
        )
    ),
    ID,
    ID,
)
NEVER = {"jars", "log", "logs", "stdout", "environment", "log-url", "yarn-cancel", "yarn-stop", "savepoints"}
NEVER |= {"stop", "cancel", "run", "plan", "upload", "profiler", "flamegraph", "v1", ".", ".."}


@given(PATH, st.text(max_size=60))
@example("taskmanagers/logs", "")
def test_only_plain_paths_of_reads_pass(path: str, query: str) -> None:
    asked = read(path, query)
    if not isinstance(asked, Read):
        return
    assert asked.path == f"/{path}"
    assert re.fullmatch(r"/|(/[A-Za-z0-9_:.-]+)+", asked.path)
    assert not asked.path.endswith("\n")
    segments = path.split("/")
    if segments[0] != "assets":
        # A TaskManager's id is any name; what is asked of one is not.
        named = segments[1:2] if segments[0] == "taskmanagers" else []
        assert not NEVER & (set(segments) - set(named))
        assert "config" not in segments[1:] or segments[-2] in ("checkpoints", "rescales")
    assert ".." not in segments
    assert re.fullmatch(r"[A-Za-z0-9_.~%+=&*-]*", asked.query)
    assert len(asked.query) <= LONGEST_QUERY


@given(ALLOWED, st.data())
def test_a_read_that_is_changed_at_one_place_is_that_read_or_another_or_none(
    path: str, data: st.DataObject
) -> None:
    """Encoded, in capitals, with something inserted: it never becomes a path with what was inserted."""
    place = data.draw(st.integers(0, len(path)))
    inserted = data.draw(st.sampled_from(("/", "..", "../", "%", "\\", "//", "?", "#", "\n", " ", "@", "*")))
    assert not isinstance(read(path[:place] + inserted + path[place:], ""), Read) or inserted == "/"
    encoded = (
        path[:place]
        + "".join(f"%{byte:02x}" for byte in path[place : place + 1].encode())
        + path[place + 1 :]
    )
    assert encoded == path or not isinstance(read(encoded, ""), Read)


@given(st.text(max_size=300))
def test_what_flink_is_asked_has_no_line_end_and_only_known_names(value: str) -> None:
    asked = read("jobmanager/metrics", f"get={quote(value, safe='')}")
    if isinstance(asked, Read):
        assert asked.query.isascii()
        assert not re.search(r"[\s&#]", asked.query)
        assert asked.query.startswith("get=")


@given(st.text(max_size=40))
def test_no_host_adds_to_the_policy(host: str) -> None:
    kinds = [one.split(" ")[0] for one in policy(host, "/vitrine/flink/").split("; ")]
    assert kinds == [one.split(" ")[0] for one in policy("localhost", "/vitrine/flink/").split("; ")]
