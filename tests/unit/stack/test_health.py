"""What a stage left behind in its consumer group does not pass for the stage."""

import pytest

from stack import services
from stack.components import stages
from stack.health import GroupHealth
from stack.service import StackContext, Unhealthy


def test_a_stage_whose_process_does_not_answer_is_not_healthy_even_if_its_group_is() -> None:
    with pytest.raises(Unhealthy, match=r"no answer from http://127\.0\.0\.1:1/metrics"):
        GroupHealth("127.0.0.1:1", "gate", metrics_url="http://127.0.0.1:1/metrics").check()


@pytest.mark.parametrize("stage", sorted(stages.MODULES))
def test_a_stage_is_checked_by_its_group_and_its_own_metrics(place: StackContext, stage: str) -> None:
    [service] = [one for one in services.services(place) if one.name == stage]
    assert isinstance(service.health, GroupHealth)
    assert service.health.metrics_url == service.address != ""
