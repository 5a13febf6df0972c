"""The DAGs of the demo's chain, each followed until its run has ended."""

from pathlib import Path

from stack.airflow_api import AirflowApi, Run

MODELS = "private_models"
SKIPPED = "skipped"
"""The state of the models, and of the report on them, where the privacy budget is spent."""


class Followed:
    """A DAG whose state is that of its newest run."""

    def __init__(self, api: AirflowApi, dag: str) -> None:
        self.api, self.dag = api, dag

    def trigger(self) -> None:
        """Starts a run."""
        self.api.trigger(self.dag)

    def own(self, runs: list[Run]) -> list[Run]:
        """Returns those of `runs` that belong to this demo."""
        return runs

    def outcome(self, own: list[Run]) -> str | None:
        """Returns success, failed or skipped; None if another run must be triggered. `own` is not empty, and
        all its runs have ended."""
        return own[-1].state


class Models(Followed):
    """`private_models` on all sessions of the demo. To spare the privacy budget, not every extraction starts
    a training; if the demo's extraction came too soon after the last release, the demo triggers a run."""

    def __init__(self, api: AirflowApi, extraction: str) -> None:
        """`extraction`: the id of the demo's run of `extract_sessions`, which extracts all its sessions."""
        super().__init__(api, MODELS)
        self._extraction = extraction
        self._triggered: str | None = None
        self.not_trained: str | None = None
        """The privacy ledger's message if the budget does not allow a training, or if it is not intact; None
        otherwise."""

    def trigger(self) -> None:
        self._triggered = self.api.trigger(self.dag).run_id

    def own(self, runs: list[Run]) -> list[Run]:
        return [
            run for run in runs if run.run_id == self._triggered or self._extraction in self.api.woken_by(run)
        ]

    def outcome(self, own: list[Run]) -> str | None:
        for run in reversed(own):
            answer = self.api.returned(run, "charge") or {}
            if broken := answer.get("broken"):
                self.not_trained = broken
                return run.state
            if why := answer.get("spent") or answer.get("refused"):
                self.not_trained = why
                return SKIPPED
            if "too_soon" not in answer:
                self.not_trained = None
                return run.state
        return None


def notice(why: str, reports: Path) -> str:
    """Returns the message that no models were trained, why, and which report is the newest."""
    found = sorted(reports.glob("*.html"), key=lambda report: report.stat().st_mtime)
    newest = f"The newest report: {found[-1]}" if found else "There is no report yet."
    return f"No models were trained. {why}\n{newest}"
