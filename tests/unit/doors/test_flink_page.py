"""Of Flink's page and REST interface passes what the page reads, and nothing that acts or holds settings."""

import pytest

from streaming.doors.flink_page import LONGEST_QUERY, Read, Refused, policy, read

JOB, VERTEX = "0123456789abcdef" * 2, "f" * 32
FILES = {
    "": "text/html",
    "main.a877f62051d76ab2.js": "text/javascript",
    "styles.25112ea718f4efbe.css": "text/css",
    "5444.240e3e0238a27d55.js": "text/javascript",
    "assets/images/flink.svg": "image/svg+xml",
    "assets/favicon/favicon-32x32.png": "image/png",
    "assets/favicon/favicon.ico": "image/x-icon",
    "assets/favicon/manifest.json": "application/json",
    "assets/vs/editor/editor.main.nls.zh-tw.js": "text/javascript",
    "assets/vs/base/browser/ui/codicons/codicon/codicon.ttf": "font/ttf",
}
READS = [
    "config",
    "overview",
    "jobs/overview",
    "applications/overview",
    f"applications/{JOB}",
    f"applications/{JOB}/exceptions",
    *(
        f"jobs/{JOB}{rest}"
        for rest in (
            "",
            "/exceptions",
            "/resource-requirements",
            "/checkpoints",
            "/checkpoints/config",
            "/checkpoints/details/17",
            f"/checkpoints/details/17/subtasks/{VERTEX}",
            "/rescales/config",
            "/rescales/history",
            "/rescales/overview",
            "/rescales/summary",
            "/rescales/details/0f-1",
        )
    ),
    *(
        f"jobs/{JOB}/vertices/{VERTEX}{rest}"
        for rest in (
            "",
            "/accumulators",
            "/backpressure",
            "/metrics",
            "/subtasks/accumulators",
            "/subtasks/metrics",
            "/subtasktimes",
            "/taskmanagers",
            "/watermarks",
        )
    ),
    "jobmanager/metrics",
    "jobmanager/thread-dump",
    "taskmanagers",
    "taskmanagers/taskmanager",
    "taskmanagers/127.0.0.1:19122-a1b2c3/metrics",
    "taskmanagers/container_1_2-x.y/thread-dump",
]
HOLD_SETTINGS = [
    "jobmanager/config",
    "jobmanager/environment",
    "jobmanager/log",
    "jobmanager/logs",
    "jobmanager/logs/flink.log",
    "jobmanager/stdout",
    "taskmanagers/taskmanager/log",
    "taskmanagers/taskmanager/logs",
    "taskmanagers/taskmanager/logs/flink.out",
    "taskmanagers/taskmanager/stdout",
    f"jobs/{JOB}/config",
    f"jobs/{JOB}/jobmanager/config",
    f"jobs/{JOB}/jobmanager/environment",
    f"jobs/{JOB}/jobmanager/log-url",
    f"jobs/{JOB}/taskmanagers/taskmanager/log-url",
]
ACT = [
    "jars",
    "jars/upload",
    "jars/x.jar/plan",
    "jars/x.jar/run",
    "jars/x.js",
    f"jobs/{JOB}/yarn-cancel",
    f"jobs/{JOB}/yarn-stop",
    f"jobs/{JOB}/savepoints",
    f"jobs/{JOB}/stop",
    f"applications/{JOB}/cancel",
    "savepoint-disposal",
    "cluster",
    "jobs",
    "jobmanager/profiler",
    "jobmanager/profiler/x.html",
    "taskmanagers/taskmanager/profiler",
    f"jobs/{JOB}/vertices/{VERTEX}/flamegraph",
    "v1/jobs/overview",
    "v1/jars",
    "datasets",
]
TRICKS = [
    "..",
    "../jars",
    "assets/../jars",
    "assets/..",
    "assets/./images/flink.svg",
    "assets//images/flink.svg",
    "/jars",
    "//evil.example/x.js",
    "http://evil.example/x.js",
    "https:/evil.example/x.js",
    "%6aars",
    "assets/%2e%2e/jars",
    "assets\\..\\jars.js",
    "jobs/overview/",
    "jobs/overview?x",
    "jobs/overview#x",
    "jobs/overview\r\nX-Evil: 1",
    "jobs/overview\n",
    "main.js\n",
    "jobs/overview;x",
    "jobs/" + JOB.upper(),
    "jobs/" + JOB + "0",
    "taskmanagers/a@evil.example",
    "taskmanagers/../jars",
    "taskmanagers/taskmanager/logs/..%252f..%252fetc%252fpasswd",
    "JOBS/overview",
    "conf\u0131g",
    "\uff0e\uff0e/jars",
    "main.js.map",
    "index.php",
    ".js",
    "assets/.js",
]


@pytest.mark.parametrize("path", FILES)
def test_the_pages_files_have_the_type_of_their_name(path: str) -> None:
    asked = read(path, "v=1")
    assert asked == Read(f"/{path}", "", FILES[path], unchanging=path != "" and "/" not in path)


@pytest.mark.parametrize("path", READS)
def test_what_the_page_reads_is_passed_on_as_json(path: str) -> None:
    assert read(path, "") == Read(f"/{path}", "", "application/json")


@pytest.mark.parametrize("path", HOLD_SETTINGS)
def test_settings_and_logs_are_not_shown(path: str) -> None:
    asked = read(path, "")
    assert isinstance(asked, Refused)
    assert asked.withheld
    assert "passwords" in asked.why


@pytest.mark.parametrize("path", [*ACT, *TRICKS])
def test_nothing_else_is_passed_on(path: str) -> None:
    asked = read(path, "")
    assert isinstance(asked, Refused), asked


def test_parameters_are_written_anew() -> None:
    asked = read("jobmanager/metrics", "get=Status.JVM.CPU.Load,0.Source__a%5B1%5D&maxExceptions=10")
    assert isinstance(asked, Read)
    assert asked.query == "get=Status.JVM.CPU.Load%2C0.Source__a%5B1%5D&maxExceptions=10"


@pytest.mark.parametrize(
    "query",
    [
        "entry-class=X",
        "get",
        "get=a%0d%0ab",
        "a=b&&",
        "mode=cancel",
        "agg=max",
        "subtasks=0-2147483647",
        "maxExceptions=99999",
        "maxExceptions=x",
        "get=" + "x" * LONGEST_QUERY,
        "&".join(["get=x"] * 9),
    ],
)
def test_other_parameters_are_refused(query: str) -> None:
    assert isinstance(read("jobs/overview", query), Refused)


def directives(written: str) -> dict[str, str]:
    return dict(one.split(" ", 1) for one in written.split("; "))


def test_the_pages_scripts_reach_only_what_is_below_the_door() -> None:
    found = directives(policy("127.0.0.1:18080", "/vitrine/flink/"))
    assert found["default-src"] == "'none'"
    assert found["connect-src"] == "127.0.0.1:18080/vitrine/flink/"
    assert found["frame-ancestors"] == found["form-action"] == "'none'"
    # No opening of other windows, no downloads, no leaving of a frame.
    assert found["sandbox"] == "allow-scripts allow-same-origin"
    for kind in ("script", "style", "img", "font", "worker", "manifest"):
        assert found[f"{kind}-src"].startswith("127.0.0.1:18080/vitrine/flink/")
    assert "unsafe-inline" not in found["script-src"]
    assert "unsafe-eval" not in found["script-src"]


@pytest.mark.parametrize(
    "host",
    ["", "[::1]:18080", "a b", "*", "evil; script-src *", "x/", "x:1/", "x:123456", "x\n", "'unsafe-inline'"],
)
def test_a_host_that_cannot_be_written_there_stands_for_the_whole_origin(host: str) -> None:
    assert directives(policy(host, "/vitrine/flink/"))["connect-src"] == "'self'"
