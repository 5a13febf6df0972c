"""Makes the topics, and the rights of each user of Kafka from what the stages declare. Runs at each start."""

from collections.abc import Iterator

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from streaming.contract import topics
from streaming.contract.topology import FLINK_JOB, STAGES
from streaming.kafka.clients import TIMEOUT_S, ensure_topics, properties
from streaming.settings import KafkaSettings

Rule = tuple[str, ResourceType, str, ResourcePatternType, AclOperation]
"""Who may do what with which resource."""

TOPIC, GROUP, TRANSACTION = ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID
ONE, BEGINNING_WITH = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED
READ, WRITE, DESCRIBE = AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE
USER = {stage.name: stage.name for stage in STAGES} | {FLINK_JOB.name: "flink"}
TRANSACTIONS = {"flink": "session-summaries"}
"""How the transactional ids of a user begin, if not with its consumer group."""
READ_ALL = ("airflow", "operator")
"""They reconcile the stores with the log."""


def rules() -> Iterator[Rule]:
    """Yields everything that somebody may do; all else is refused. Pure."""
    for user in (*USER.values(), "watch", *READ_ALL):
        # What there is, and how far anybody has read, is open to all; what messages say is not.
        yield from ((user, TOPIC, "*", ONE, right) for right in (DESCRIBE, AclOperation.DESCRIBE_CONFIGS))
        yield user, GROUP, "*", ONE, DESCRIBE
    for stage in STAGES:
        user = USER[stage.name]
        # Also what it wrote itself: it looks there for what it had done before it was interrupted.
        yield from ((user, TOPIC, topic, ONE, READ) for topic in (*stage.reads, *stage.writes))
        yield from ((user, TOPIC, topic, ONE, WRITE) for topic in stage.writes)
        yield user, GROUP, stage.group, ONE, READ
        begins = TRANSACTIONS.get(user, stage.group)
        yield from ((user, TRANSACTION, begins, BEGINNING_WITH, right) for right in (WRITE, DESCRIBE))
    for user in READ_ALL:
        yield user, TOPIC, "*", ONE, READ
    yield "airflow", GROUP, "extract_sessions", BEGINNING_WITH, READ
    yield "operator", GROUP, "ingest", ONE, READ
    yield "operator", TOPIC, topics.RAW, ONE, WRITE


def main() -> None:
    """Raises KafkaException if the broker refuses."""
    kafka = KafkaSettings()
    ensure_topics(kafka)
    wanted = [
        AclBinding(kind, name, how, f"User:{user}", "*", right, AclPermissionType.ALLOW)
        for user, kind, name, how, right in rules()
    ]
    for done in AdminClient(properties(kafka)).create_acls(wanted, request_timeout=TIMEOUT_S).values():
        done.result()


if __name__ == "__main__":
    main()
