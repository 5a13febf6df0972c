"""The table of stages agrees with the declared topics and with itself."""

from importlib.util import find_spec

from stack.components.stages import MODULES
from streaming.contract import topics
from streaming.contract.topology import BY_NAME, PYTHON_STAGES, STAGES, TOPICS_READ

DECLARED = [topic.name for topic in topics.declared(1, 1)]


def test_stages_write_all_declared_topics_except_the_raw_one() -> None:
    assert {topic for stage in STAGES for topic in stage.writes} == set(DECLARED) - {topics.RAW}


def test_stages_read_declared_topics_in_the_order_of_the_data() -> None:
    assert [topic for topic in DECLARED if topic in TOPICS_READ] == list(TOPICS_READ)
    written: set[str] = {topics.RAW}
    for stage in STAGES:
        assert set(stage.reads) <= written
        written |= set(stage.writes)


def test_names_and_groups_never_change() -> None:
    assert {stage.name: stage.group for stage in STAGES} == {
        "gate": "gate",
        "store": "store",
        "flink-job": "summaries",
        "index": "index",
    }
    assert all(BY_NAME[stage.name] is stage for stage in STAGES)


def test_each_python_stage_is_a_runnable_module() -> None:
    assert set(MODULES) == {stage.name for stage in PYTHON_STAGES}
    for module in MODULES.values():
        assert find_spec(f"{module}.__main__"), module
