"""Makes the topics and the users' rights by the native stack's declaration. Runs at each start."""

from stack import kafka_acls
from stack.kafka_rights import Right, rights
from stack.principals import Principal
from streaming.kafka.clients import ensure_topics
from streaming.settings import KafkaSettings

OPERATOR = "operator"
"""The person at `docker compose run operator`, whom the native stack does not have."""


def rules(prefix: str = "") -> frozenset[Right]:
    """Returns everything that somebody may do; all else is refused. `prefix`: of topics and groups. Pure."""
    declared = rights(prefix)
    return frozenset(
        {
            *(right for right in declared if right.principal != Principal.SHOP),
            *(right._replace(principal=OPERATOR) for right in declared if _of_operator(right)),
            # `ingest` looks at the gate's answers under this name.
            Right(OPERATOR, "group", f"{prefix}ingest", "describe"),
        }
    )


def _of_operator(right: Right) -> bool:
    """The operator sends as the shop does, which has no user here, and looks at the log as Airflow does, but
    is no member of a group."""
    joins = (right.resource, right.operation) == ("group", "read")
    return right.principal == Principal.SHOP or (right.principal == Principal.AIRFLOW and not joins)


def main() -> None:
    """Makes these rights the only ones. Raises KafkaException if the broker refuses."""
    kafka = KafkaSettings()
    ensure_topics(kafka)
    kafka_acls.put(kafka, rules(kafka.topic_prefix))


if __name__ == "__main__":
    main()
