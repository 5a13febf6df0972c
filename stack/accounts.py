"""The system users that the services run as where root starts the stack. Pure.

Vitrine's own processes and Airflow share one, because they share the data folder. Each server of others has
its own. All checkouts of a machine use the same ones; every account is in the group `COMMON`, which passes
through the folders on the way to what an account owns or is lent, and reads what was installed.
"""

VITRINE = "vitrine"
KAFKA = "vitrine-kafka"
REDIS = "vitrine-redis"
MONGODB = "vitrine-mongodb"
ELASTICSEARCH = "vitrine-elasticsearch"
FLINK = "vitrine-flink"
ALL = (VITRINE, KAFKA, REDIS, MONGODB, ELASTICSEARCH, FLINK)
COMMON = VITRINE


def without_rights(account: str) -> tuple[str, ...]:
    """Returns the prefix with which root runs a command as `account`, which has no capability, can get none,
    and gains nothing from a set-uid program."""
    return (
        "setpriv",
        f"--reuid={account}",
        f"--regid={account}",
        f"--groups={COMMON}",
        "--inh-caps=-all",
        "--ambient-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
        "--",
    )
