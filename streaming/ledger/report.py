"""What `./vitrine reconcile --json` prints."""

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
    """The raw record concerned, as `<partition>:<offset>`."""

    def __str__(self) -> str:
        names = (("session", self.session), ("document", self.document), ("raw record", self.raw))
        named = ", ".join(f"{kind} {name}" for kind, name in names if name is not None)
        return f"{self.where}: {named or 'a record'} {self.what}"


class DistinctUsers(Struct):
    """Users with at least one valid session."""

    exact: int
    """Counted in `valid_customer_session`."""
    estimate: int
    """By Redis' HyperLogLog."""


class Report(Struct, kw_only=True):
    """Figures of the raw records up to the moment the command began; later ones are left aside."""

    holds: bool
    sent: int
    valid: int
    duplicate: int
    rejected: dict[str, int]
    late: int
    """Valid sessions in no window, because they came too late for it."""
    mongodb: int
    elasticsearch: dict[str, int]
    distinct_users: DistinctUsers
    left_out: int = 0
    """Documents of `product_activity` not judged, because sessions went on coming into their windows."""
    breaks_in_all: int = 0
    breaks: list[Break] = field(default_factory=list)
    """The first of them."""
