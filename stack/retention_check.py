"""Whether the settings of retention contradict each other, before anything starts by them."""

from stack.service import StackContext
from streaming.process.exit_code import InvalidRequest
from streaming.retention.settings import RetentionSettings, contradictions
from streaming.settings import KafkaSettings
from streaming.summaries.settings import JobSettings


def check(place: StackContext) -> None:
    """Raises InvalidRequest, with each contradiction."""
    given = {name: place.value(RetentionSettings, name) for name in RetentionSettings.model_fields}
    kafka = KafkaSettings.model_validate({"retention_ms": place.value(KafkaSettings, "retention_ms")})
    job = JobSettings.model_validate({"state_ttl_ms": place.value(JobSettings, "state_ttl_ms")})
    own = RetentionSettings.model_validate(given)
    wrong = list(contradictions(own, kafka.retention_ms, job.state_ttl_ms))
    if wrong:
        raise InvalidRequest(" ".join(wrong))
