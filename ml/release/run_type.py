"""PURE: what started a DAG run, in Airflow's words. Standard library only: both environments read it."""

from enum import StrEnum


class RunType(StrEnum):
    """The run types of Airflow 3.3, each as its own enumeration writes its value."""

    MANUAL = "manual"
    BACKFILL = "backfill"
    ASSET_MATERIALIZATION = "asset_materialization"
    SCHEDULED = "scheduled"
    ASSET_TRIGGERED = "asset_triggered"
    OPERATOR_TRIGGERED = "operator_triggered"

    @property
    def automatic(self) -> bool:
        """Started by a timetable, an asset or another DAG rather than asked for by a person."""
        return self in (self.SCHEDULED, self.ASSET_TRIGGERED, self.OPERATOR_TRIGGERED)

    @classmethod
    def _missing_(cls, value: object) -> "RunType":
        """Taking an unknown type for a person's wish would switch off the guard of the privacy budget."""
        raise ValueError(
            f"{value!r} is no run type that is known here ({', '.join(cls)}), so it cannot be said whether a "
            "person asked for this run: nothing was charged and no session was read. The DAG must pass "
            "dag_run.run_type.value; a type that is new in Airflow belongs into ml/release/run_type.py."
        )
