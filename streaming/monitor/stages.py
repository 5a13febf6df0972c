"""The probe of the stages' own metrics: the outcomes of messages, for the page Health."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

from streaming.contract.topology import GATE
from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading

TIMEOUT_S = 5.0


class StagesProbe:
    """Reads the metrics of the gate at `urls` (by stage). Raises httpx.HTTPError if it does not answer."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls, self._client = urls, httpx.Client(timeout=TIMEOUT_S)

    def __call__(self) -> list[Reading]:
        text = self._client.get(self._urls[GATE.name]).raise_for_status().text
        return [
            Reading(catalogue.OUTCOMES, sample.value, sample.labels)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == catalogue.OUTCOMES.name
        ]
