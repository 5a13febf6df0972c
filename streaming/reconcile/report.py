"""What `./vitrine reconcile --json` prints."""

from bisect import insort
from math import inf

from msgspec import Struct, field

SHOWN = 20


class Break(Struct, frozen=True, omit_defaults=True):
    """One thing that does not agree. Names ids and positions, never contents."""

    where: str
    """`raw`, `valid`, `rejected`, `mongodb` or the name of an index."""
    what: str
    session: str | None = None
    """The session concerned; of a window the first one in it."""
    document: str | None = None
    """The id of the document concerned, where it is not the session's."""
    raw: str | None = None
    """Where the raw record concerned stands, as `<partition>:<offset>`."""

    def __str__(self) -> str:
        names = (("session", self.session), ("document", self.document), ("raw record", self.raw))
        named = ", ".join(f"{kind} {name}" for kind, name in names if name is not None)
        return f"{self.where}: {named or 'a record'} {self.what}"


class Breaks:
    """How many there are, and the first of them in raw order: by partition, then by offset. A window's come
    after those of single sessions, which are the likelier cause; then what has no place in the log."""

    def __init__(self) -> None:
        self.first: list[Break] = []
        self.count = 0

    def tell(self, one: Break) -> None:
        self.count += 1
        insort(self.first, one, key=_order)
        del self.first[SHOWN:]


def _order(one: Break) -> tuple[bool, float, float]:
    partition, _, offset = (one.raw or "").partition(":")
    if not offset:
        return True, inf, inf
    return one.document is not None and one.document.startswith(_WINDOW_IDS), int(partition), int(offset)


_WINDOW_IDS = ("product:", "category:")


class DistinctUsers(Struct):
    """Users with at least one valid session."""

    exact: int
    """Counted in `valid_customer_session`."""
    estimate: int
    """By Redis' HyperLogLog."""


class PartitionAccount(Struct, kw_only=True):
    """What became of the raw records at from <= offset < to: sent = valid + duplicate + all rejected, if it
    holds."""

    first: int = field(name="from")
    to: int
    sent: int
    valid: int
    duplicate: int
    rejected: dict[str, int]
    late: int


class Corrections(Struct, kw_only=True):
    """What became of the rejected messages, duplicates left aside."""

    corrected: int
    """Sent again, and then accepted."""
    rejected_again: int
    """Sent again, and rejected again."""
    open: dict[str, int]
    """The others, by reason."""


class Report(Struct, kw_only=True):
    """Figures of the raw records of the period, up to the moment the command began; later ones are left
    aside. What the stores hold is counted and compared in all, whatever the period."""

    holds: bool
    sent: int
    valid: int
    duplicate: int
    rejected: dict[str, int]
    late: int
    """Valid sessions in no window, because they came too late for it."""
    partitions: dict[int, PartitionAccount]
    """The same by raw partition."""
    stages: dict[str, dict[str, dict[int, int]]]
    """By stage, topic and partition, the offset up to which the stage has read."""
    corrections: Corrections
    mongodb: int
    elasticsearch: dict[str, int]
    digests: dict[str, str]
    """Of each store's ids and contents, in whatever order: two runs with the same have the same there."""
    distinct_users: DistinctUsers
    older_than_log: int = 0
    """Sessions in MongoDB that retention has deleted from the log, taken as MongoDB has them."""
    other_model: int = 0
    """Documents of `product_sentiment` that another model made than the one in use."""
    left_out: int = 0
    """Documents of `product_activity` not judged, because sessions went on coming into their windows."""
    breaks_in_all: int = 0
    breaks: list[Break] = field(default_factory=list)
    """The first of them in raw order."""
