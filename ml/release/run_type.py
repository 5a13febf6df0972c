"""PURE: what started a DAG run, as Airflow calls it. Standard library only: two environments import it."""

from enum import StrEnum


class RunType(StrEnum):
    """The run types of Airflow 3.3, with the values of its enumeration DagRunType."""

    MANUAL = "manual"
    BACKFILL = "backfill"
    ASSET_MATERIALIZATION = "asset_materialization"
    SCHEDULED = "scheduled"
    ASSET_TRIGGERED = "asset_triggered"
    OPERATOR_TRIGGERED = "operator_triggered"

    @property
    def automatic(self) -> bool:
        """True if a timetable, an asset or another DAG started the run, rather than a person."""
        return self in (self.SCHEDULED, self.ASSET_TRIGGERED, self.OPERATOR_TRIGGERED)

    @classmethod
    def _missing_(cls, value: object) -> "RunType":
        """Raises ValueError: to treat an unknown type as a person's run would disable the limit on automatic
        runs, which spares the privacy budget."""
        raise ValueError(
            f"{value!r} is not a known run type ({', '.join(cls)}), so it is unknown whether a person "
            "started this run. Nothing was charged and no session was read. The DAG must pass "
            "dag_run.run_type.value; add a type that is new in Airflow to ml/release/run_type.py."
        )
