"""What each user of Kafka may do follows from the declarations of the stages."""

import ast

import pytest

from stack.kafka_rights import STAGE_OF, Right, rights
from stack.layout import HERE
from stack.principals import Principal
from streaming.contract import topics
from streaming.contract.topology import FLINK_JOB, GATE, LOOKING_GROUPS, STAGES
from streaming.settings import KafkaSettings
from streaming.summaries import sql
from streaming.summaries.settings import JobSettings

RIGHTS = rights("")
CHANGING = {"write"}


def of(principal: Principal, resource: str, operation: str) -> set[str]:
    return {
        one.name
        for one in RIGHTS
        if (one.principal, one.resource, one.operation) == (principal, resource, operation)
    }


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_reads_and_writes_its_own_topics_only(stage: object) -> None:
    principal = STAGE_OF[stage]  # type: ignore[index]
    declared = next(one for one in STAGES if one is stage)
    assert of(principal, "topic", "read") == {*declared.reads, *declared.looks_into}
    assert of(principal, "topic", "write") == set(declared.writes)
    assert of(principal, "group", "read") == {declared.group}


def test_the_shop_only_sends() -> None:
    assert {right[1:] for right in RIGHTS if right.principal is Principal.SHOP} == {
        ("topic", topics.RAW, "write", False)
    }


def test_airflow_and_the_monitor_write_nothing() -> None:
    for principal in (Principal.AIRFLOW, Principal.WATCH):
        assert not [right for right in RIGHTS if right.principal is principal and right.operation == "write"]
    assert of(Principal.WATCH, "group", "read") == set()
    assert of(Principal.AIRFLOW, "group", "read") == {"extract_sessions"}


def test_nobody_may_make_or_delete_topics_or_more() -> None:
    assert {right.operation for right in RIGHTS} == {"read", "write", "describe", "describe_configs"}
    assert not {right for right in RIGHTS if right.principal in (Principal.ADMIN, Principal.BROKER)}
    assert {right.name for right in RIGHTS if right.begins} == {"gate-", "session-summaries-"}


def test_a_prefix_comes_before_every_name() -> None:
    assert rights("my-") == {right._replace(name=f"my-{right.name}") for right in RIGHTS}
    assert Right(Principal.GATE, "topic", "my-user_session_info", "read") in rights("my-")


def test_the_job_has_transactional_ids_of_those_it_may_use() -> None:
    kafka = KafkaSettings(topic_prefix="my-")
    for topic in FLINK_JOB.writes:
        begins = str(sql.sink(kafka, JobSettings(), topic)["sink.transactional-id-prefix"])
        assert begins.startswith(f"my-{FLINK_JOB.transactional_ids}")
    assert GATE.transactional_ids == "gate-"


def test_every_group_that_only_looks_is_declared() -> None:
    """By the source: the names that consumers are made with in what services run. `ingest` is a command."""
    found = set()
    for file in (HERE.root / "streaming").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("consumer"):
                found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    assert found - {"ingest"} == set(LOOKING_GROUPS)
