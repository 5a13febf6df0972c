"""Claims are made again of the sessions in the log; whose user was erased is claimed for nobody."""

from collections.abc import Iterator

from support.sessions import PSEUDONYMS, valid_session

from streaming.contract import erased_session
from streaming.contract import valid_session as contract
from streaming.contract.horizon import Horizon
from streaming.dedup.memory import InMemoryDedupStore
from streaming.dedup.port import ClaimAnswer, ClaimRequest, LogProgress, raw_position
from streaming.gate.recovery import recover
from streaming.person.erased import erased
from streaming.person.traces import Traces
from streaming.summaries.key_limit import USUAL

GONE = valid_session(user_id="gone", session_id="s", raw_offset=0)
STAYS = valid_session(user_id="stays", session_id="s", raw_offset=1)
ARRIVED_MS = GONE.arrived_at_ms


class Log:
    """Has what is left of two sessions, another, and what another program wrote."""

    values = (
        erased_session.encode(erased(GONE, USUAL, Traces())),
        contract.encode(STAYS),
        erased_session.encode(erased(valid_session(user_id="gone", raw_offset=2), USUAL, Traces())),
        b"no session",
    )

    def committed(self) -> LogProgress:
        return LogProgress("log", {0: 3}, {0: ARRIVED_MS}, ARRIVED_MS, 0)

    def is_ours_alone(self) -> bool:
        return True

    def newest_first(self) -> Iterator[Iterator[bytes]]:
        yield iter(reversed(self.values))

    def valid_sessions(self, since_ms: int) -> Iterator[tuple[bytes, float]]:
        for value in self.values:
            yield value, 1.0


def test_an_erased_user_is_a_new_one_and_a_repeat_no_duplicate() -> None:
    store = InMemoryDedupStore(Horizon(24 * 3_600_000, 4))
    generation = recover(store, Log(), 0, PSEUDONYMS)
    answers = store.claim(
        ClaimRequest(
            generation, [GONE, STAYS], [raw_position(0, 4), raw_position(0, 5)], [ARRIVED_MS, ARRIVED_MS]
        )
    )
    assert list(answers) == [ClaimAnswer.NEW_USER, ClaimAnswer.TAKEN]
    assert store.distinct_users() == 2
