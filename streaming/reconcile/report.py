"""What `./vitrine reconcile --json` prints."""

from bisect import insort
from math import inf

from msgspec import Struct, field

SHOWN = 20


class Discrepancy(Struct, frozen=True, omit_defaults=True):
    """One disagreement. Contains ids and positions, never contents."""

    where: str
    """`raw`, `valid`, `mongodb` or the name of an index."""
    what: str
    session: str | None = None
    """The session concerned; for a window, the first session in it."""
    document: str | None = None
    """The id of the document concerned, if it is not the session's."""
    raw: str | None = None
    """The position of the raw record concerned, as `<partition>:<offset>`."""

    def __str__(self) -> str:
        names = (("session", self.session), ("document", self.document), ("raw record", self.raw))
        named = ", ".join(f"{kind} {name}" for kind, name in names if name is not None)
        return f"{self.where}: {named or 'a record'} {self.what}"


class Discrepancies:
    """Counts discrepancies and keeps the first of them in raw order: by partition, then by offset. Those of
    windows come after those of single sessions, which are the likelier cause; those without a raw position
    come last."""

    def __init__(self) -> None:
        self.first: list[Discrepancy] = []
        self.count = 0

    def add(self, one: Discrepancy) -> None:
        self.count += 1
        insort(self.first, one, key=_order)
        del self.first[SHOWN:]


def _order(one: Discrepancy) -> tuple[bool, float, float]:
    partition, _, offset = (one.raw or "").partition(":")
    if not offset:
        return True, inf, inf
    return one.document is not None and one.document.startswith(_WINDOW_IDS), int(partition), int(offset)


_WINDOW_IDS = ("product:", "category:")


class DistinctUsers(Struct):
    """Users with at least one valid session."""

    exact: int
    """The number of distinct user ids in `valid_customer_session`."""
    estimate: int
    """The estimate of Redis' HyperLogLog."""


class PartitionCounts(Struct, kw_only=True):
    """Outcomes of the raw records at from <= offset < to. If there is no discrepancy, sent = valid +
    duplicate + all rejected."""

    first: int = field(name="from")
    to: int
    sent: int
    valid: int
    duplicate: int
    rejected: dict[str, int]
    late: int


class Corrections(Struct, kw_only=True):
    """What became of the rejected messages, without duplicates."""

    corrected: int
    """Sent again, and then accepted."""
    rejected_again: int
    """Sent again, and rejected again."""
    open: dict[str, int]
    """The others, by reason."""


class Expired(Struct, kw_only=True):
    """What is older than the retention's boundaries. It is not compared: any part of it may be deleted."""

    before_ms: dict[str, int] = field(default_factory=dict)
    """By store, the event time before which nothing is compared; without stores of which all is."""
    sessions: int = 0
    """Valid sessions in the log that MongoDB need not have."""
    documents: dict[str, int] = field(default_factory=dict)
    """By store, the documents that are still there: the next run of `retention` deletes them, or they are
    window totals, which may be kept for longer than their sessions."""


class Report(Struct, kw_only=True):
    """Figures of the raw records of the period that arrived before the command began. The documents of the
    stores are all counted and compared, whatever the period."""

    holds: bool
    sent: int
    valid: int
    duplicate: int
    rejected: dict[str, int]
    late: int
    """Valid sessions in no window aggregate, because they were late."""
    partitions: dict[int, PartitionCounts]
    """The same by raw partition."""
    stages: dict[str, dict[str, dict[int, int]]]
    """By stage, topic and partition, the offset up to which the stage has read."""
    corrections: Corrections
    mongodb: int
    elasticsearch: dict[str, int]
    digests: dict[str, str]
    """Digests of each store's ids and contents, in any order: equal in two runs if the contents are equal."""
    distinct_users: DistinctUsers
    erased: int = 0
    """Sessions of which only what windows sum is left, because their users were erased."""
    older_than_log: int = 0
    """Sessions in MongoDB that retention has deleted from the log; MongoDB's content is taken as right."""
    expired: Expired = field(default_factory=Expired)
    other_model: int = 0
    """Documents of `product_sentiment` that were made by another model than the current one."""
    left_out: int = 0
    """Documents of `product_activity` not compared, because their windows still got sessions."""
    breaks_in_all: int = 0
    breaks: list[Discrepancy] = field(default_factory=list)
    """The first discrepancies in raw order."""
