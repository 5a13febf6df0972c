"""The DAGs of the demo's chain, each followed until it has done its part."""

from pathlib import Path

from stack.airflow_api import AirflowApi, Run

MODELS = "private_models"
SKIPPED = "skipped"
"""What became of models where the privacy budget is spent, and of the report on them."""


class Followed:
    """A DAG whose newest run tells what became of it."""

    def __init__(self, api: AirflowApi, dag: str) -> None:
        self.api, self.dag = api, dag

    def ask(self) -> None:
        """Starts a run."""
        self.api.trigger(self.dag)

    def own(self, runs: list[Run]) -> list[Run]:
        """Those of `runs` that matter."""
        return runs

    def outcome(self, own: list[Run]) -> str | None:
        """What became of it: success, failed or skipped; None where a run is still to be asked for. There is
        at least one run, and none is under way."""
        return own[-1].state


class Models(Followed):
    """`private_models` over all sessions of the demo. An extraction trains only so often, to spare the
    privacy budget; where the demo's came too soon after the last release, a run is asked for."""

    def __init__(self, api: AirflowApi, extraction: str) -> None:
        """`extraction`: id of the demo's run of `extract_sessions`, after which all sessions are there."""
        super().__init__(api, MODELS)
        self._extraction = extraction
        self._asked: str | None = None
        self.not_trained: str | None = None
        """Why, in the words of the privacy ledger, where its budget does not allow it."""

    def ask(self) -> None:
        self._asked = self.api.trigger(self.dag).run_id

    def own(self, runs: list[Run]) -> list[Run]:
        return [
            run for run in runs if run.run_id == self._asked or self._extraction in self.api.woken_by(run)
        ]

    def outcome(self, own: list[Run]) -> str | None:
        for run in reversed(own):
            answer = self.api.returned(run, "charge") or {}
            if why := answer.get("spent") or answer.get("refused"):
                self.not_trained = why
                return SKIPPED
            if "too_soon" not in answer:
                self.not_trained = None
                return run.state
        return None


def notice(why: str, reports: Path) -> str:
    """Says that no models were trained, why, and which report is the newest."""
    found = sorted(reports.glob("*.html"), key=lambda report: report.stat().st_mtime)
    newest = f"The newest report: {found[-1]}" if found else "There is no report yet."
    return f"No models were trained. {why}\n{newest}"
