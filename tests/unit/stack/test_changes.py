"""A changed setting changes only the processes that read it, and each process gets all that it reads."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from stack import services as declared
from stack import settings_table
from stack.changes import concerned, reason
from stack.context import under
from stack.credentials import without_login
from stack.layout import HERE
from stack.service import StackContext
from stack.settings import PORTS, StackSettings
from streaming.settings import variables

AIRFLOW = {"airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"}
STAGES = {"gate", "store", "index"}
READ_FROM = {
    "gate": ["streaming/gate/__main__.py"],
    "store": ["streaming/sinks/mongo/__main__.py"],
    "index": ["streaming/sinks/elasticsearch/__main__.py"],
    "flink-job": ["streaming/summaries/submitter.py", "streaming/summaries/job.py"],
    "watch": ["streaming/monitor/__main__.py"],
    **{name: ["dags", "plugins", "ml/score/__main__.py"] for name in AIRFLOW},
}
PARTLY = {
    ("watch", "StackSettings"): set(PORTS),
    ("watch", "GateSettings"): {
        "VITRINE_GATE_HORIZON_MS",
        "VITRINE_GATE_HORIZON_SEGMENTS",
        "VITRINE_GATE_SESSION_CAPACITY",
        "VITRINE_GATE_SESSION_ERROR_RATE",
        "VITRINE_GATE_USER_CAPACITY",
        "VITRINE_GATE_USER_ERROR_RATE",
    },
    # Of the stack's own settings it reads only the address of Flink, which it gets.
    ("flink-job", "StackSettings"): {"VITRINE_FLINK_URL"},
    # Only the server of pages shows Flink's, and it alone may know the way to Flink.
    **{
        (f"airflow-{name}", "FlinkRestSettings"): set()
        for name in ("scheduler", "dag-processor", "triggerer")
    },
    **{
        (service, "GateSettings"): {
            "VITRINE_GATE_ALLOWED_LATENESS_MS",
            "VITRINE_GATE_HORIZON_MS",
            "VITRINE_GATE_HORIZON_SEGMENTS",
            "VITRINE_IMPORT_KEYS",
        }
        for service in AIRFLOW
    },
    # It runs no job: it checks that Flink keeps windows for as long as Elasticsearch.
    **{(service, "JobSettings"): {"VITRINE_FLINK_STATE_TTL_MS"} for service in AIRFLOW},
}


def concerns(place: StackContext, before: Mapping[str, str], **now: str) -> dict[str, tuple[str, ...]]:
    return concerned(lambda given: declared.services(under(place, given)), before, {**before, **now})


@pytest.mark.parametrize(
    ("variable", "value", "services"),
    [
        ("VITRINE_INDEX_LINGER_MS", "250", {"index"}),
        ("VITRINE_STORE_BATCH_SIZE", "10", {"store"}),
        ("VITRINE_GATE_LINGER_MS", "50", {"gate"}),
        ("VITRINE_GATE_SESSION_CAPACITY", "20000000", {"gate", "watch"}),
        ("VITRINE_GATE_HORIZON_MS", "86400000", {"gate", "watch", *AIRFLOW}),
        ("VITRINE_WORDS_PAYMENTS", "{}", {"gate", "flink-job", *AIRFLOW}),
        ("VITRINE_IMPORT_KEYS", "a,b", {"gate", *AIRFLOW}),
        ("VITRINE_PSEUDONYM_KEY", "k" * 20, {"gate", "store", "flink-job", *AIRFLOW}),
        ("VITRINE_RETENTION_SESSIONS_DAYS", "500", {*AIRFLOW}),
        ("VITRINE_INGEST_MEMORY_MB", "1024", set()),
        ("VITRINE_SIMULATE_SEED", "7", set()),
        ("VITRINE_KAFKA_HEAP_MIB", "600", {"kafka"}),
        ("VITRINE_KAFKA_CONTROLLER_PORT", "1", {"kafka", "watch"}),
        ("VITRINE_ELASTICSEARCH_HEAP_MIB", "600", {"elasticsearch"}),
        ("VITRINE_ELASTICSEARCH_TRANSPORT_PORT", "1", {"elasticsearch", "watch"}),
        ("VITRINE_FLINK_TASKMANAGER_MIB", "1500", {"flink-taskmanager"}),
        ("VITRINE_FLINK_JOBMANAGER_MIB", "1000", {"flink-jobmanager"}),
        ("VITRINE_FLINK_BLOB_PORT", "1", {"flink-jobmanager", "flink-taskmanager", "watch"}),
        ("VITRINE_FLINK_CHECKPOINT_INTERVAL_MS", "3000", {"flink-job"}),
        ("VITRINE_REDIS_URL", "redis://user:hunter2@elsewhere/0", {"redis", "gate", "watch", *AIRFLOW}),
        ("MONGO_URI", "mongodb://elsewhere", {"mongodb", "store", "watch", *AIRFLOW}),
        ("VITRINE_ELASTICSEARCH_URL", "http://elsewhere", {"elasticsearch", "index", "watch", *AIRFLOW}),
        ("VITRINE_KAFKA_TOPIC_PREFIX", "other-", {*STAGES, "flink-job", "watch", *AIRFLOW}),
        (
            "VITRINE_KAFKA_BOOTSTRAP_SERVERS",
            "elsewhere:9092",
            {"kafka", *STAGES, "flink-job", "watch", *AIRFLOW},
        ),
        ("VITRINE_BUDGET_AUTOMATIC_EVERY_H", "1", AIRFLOW),
    ],
)
def test_a_setting_concerns_these_and_no_others(
    place: StackContext, variable: str, value: str, services: set[str]
) -> None:
    assert concerns(place, {}, **{variable: value}) == dict.fromkeys(services, (variable,))


def test_another_port_offset_concerns_all(place: StackContext) -> None:
    every = {service.name for service in declared.services(place)}
    assert concerns(place, {}, VITRINE_PORT_OFFSET="500").keys() == every


def test_each_service_has_its_own_reasons(place: StackContext) -> None:
    before = {"VITRINE_GATE_LINGER_MS": "50", "VITRINE_PORT_OFFSET": "500"}
    found = concerns(place, before, VITRINE_GATE_LINGER_MS="60", VITRINE_METRICS_HOST="127.0.0.2")
    assert found["gate"] == ("VITRINE_GATE_LINGER_MS", "VITRINE_METRICS_HOST")
    assert found["store"] == ("VITRINE_METRICS_HOST",)
    assert "kafka" not in found
    assert concerns(place, before) == {}


def test_a_removed_setting_concerns_the_same_services(place: StackContext) -> None:
    before = {"VITRINE_INDEX_LINGER_MS": "250"}
    found = concerned(lambda given: declared.services(under(place, given)), before, {})
    assert found == {"index": ("VITRINE_INDEX_LINGER_MS",)}


def test_settings_that_are_not_given_have_their_defaults(
    place: StackContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_PORT_OFFSET", "3000")
    assert StackSettings.of({}).port_offset == 0
    moved = under(place, {"VITRINE_REDIS_PORT": "1"}).environment
    assert without_login(moved["VITRINE_REDIS_URL"]) == "redis://127.0.0.1:1/0"


def test_a_reason_names_variables() -> None:
    assert reason(("A", "B")) == "A, B changed"
    assert reason(()) == "its declaration has changed"


def test_third_party_programs_do_not_get_vitrine_settings(place: StackContext) -> None:
    given = {**place.environment, "VITRINE_REDIS_URL": "redis://user:hunter2@elsewhere/0"}
    by_name = {service.name: service for service in declared.services(under(place, given))}
    for name in ("kafka", "mongodb", "elasticsearch", "flink-jobmanager", "flink-taskmanager", "index"):
        assert "hunter2" not in str(by_name[name].environment)
        assert not by_name[name].environment.keys() & given.keys() or name == "index"


@pytest.mark.parametrize("service", sorted(READ_FROM))
def test_each_vitrine_process_gets_the_settings_that_its_code_reads(
    place: StackContext, service: str
) -> None:
    """By the source: every settings object that is made anywhere in what its entry points import."""
    classes = {found.__name__: found for found in settings_table.classes()}
    made = _made(READ_FROM[service]) & classes.keys()
    assert made
    everything = {name: "1" for found in classes.values() for name in variables(found)}
    everything |= {name: str(7000 + at) for at, name in enumerate(PORTS)} | {
        "VITRINE_KAFKA_CLIENT_PROPERTIES": "{}",
        "MONGO_URI": "mongodb://elsewhere",
        "VITRINE_PORT_OFFSET": "0",
        "VITRINE_AIRFLOW_USERS": "admin:admin",
    }
    [found] = [one for one in declared.services(under(place, everything)) if one.name == service]
    for name in made:
        assert found.environment.keys() >= PARTLY.get((service, name), set(variables(classes[name]))), name


def _made(starts: Iterable[str]) -> set[str]:
    """The names that are called without arguments in these files, or in what they import of ours."""
    seen: set[Path] = set()
    called: set[str] = set()
    ahead = [file for start in starts for file in _files(HERE.root / start)]
    while ahead:
        file = ahead.pop()
        if file in seen:
            continue
        seen.add(file)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and not (node.args or node.keywords):
                called.add(ast.unparse(node.func).rpartition(".")[2])
            elif isinstance(node, ast.Import):
                ahead += [path for alias in node.names for path in _module(alias.name)]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
                ahead += [path for name in names for path in _module(name)]
    return called


def _files(start: Path) -> list[Path]:
    return sorted(start.glob("*.py")) if start.is_dir() else [start]


def _module(name: str) -> list[Path]:
    if name.partition(".")[0] not in ("streaming", "ml", "stack"):
        return []
    path = HERE.root.joinpath(*name.split("."))
    return [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()]
