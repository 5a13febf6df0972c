"""The table of stages agrees with the declared topics and with itself."""

from importlib.util import find_spec

from stack.components.stages import MODULES
from streaming.contract import topics
from streaming.contract.topology import BY_NAME, PYTHON_STAGES, STAGES, TOPICS_READ

DECLARED = [topic.name for topic in topics.declared(1, 1)]


def test_every_topic_but_the_raw_one_is_written_by_a_stage_and_no_other_topic_is() -> None:
    assert {topic for stage in STAGES for topic in stage.writes} == set(DECLARED) - {topics.RAW}


def test_stages_read_declared_topics_in_the_order_of_the_data() -> None:
    assert [topic for topic in DECLARED if topic in TOPICS_READ] == list(TOPICS_READ)
    written: set[str] = {topics.RAW}
    for stage in STAGES:
        assert set(stage.reads) <= written
        written |= set(stage.writes)


def test_names_and_groups_are_what_stores_and_brokers_know() -> None:
    assert {stage.name: stage.group for stage in STAGES} == {
        "gate": "gate",
        "store": "store",
        "flink-job": "summaries",
        "index": "index",
    }
    assert all(BY_NAME[stage.name] is stage for stage in STAGES)


def test_each_python_stage_is_a_module_that_can_be_run() -> None:
    assert set(MODULES) == {stage.name for stage in PYTHON_STAGES}
    for module in MODULES.values():
        assert find_spec(f"{module}.__main__"), module
