"""Every metric of Vitrine. docs/metrics.md is made of this by `python -m streaming.metrics`. Pure."""

from streaming.events import topics
from streaming.events.rejection import Reason
from streaming.metrics.kinds import Counter, Histogram, Label, Metric

_STAGE = Label("stage", "which stage tells it", ("gate", "store", "index"))

VALID = "valid"

# What a stage tells of itself.
RECORDS = Counter(
    name="vitrine_records_total",
    meaning="Records read, dealt with and committed",
    labels=(_STAGE,),
)
BATCH_SECONDS = Histogram(
    name="vitrine_batch_seconds",
    meaning="From asking the store (gate) or having read (store, index) to the commit of a batch",
    labels=(_STAGE,),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
LATENCY_SECONDS = Histogram(
    name="vitrine_latency_seconds",
    meaning=(
        "From a message's arrival in the raw topic until it was decided (gate), its session was in MongoDB"
        " (store), or its summary acknowledged by Elasticsearch (index), which makes it searchable within a"
        " second (one summary in fifty is timed). A replay counts from the first arrival"
    ),
    labels=(_STAGE,),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3600),
)
STORE_AWAY_SECONDS = Counter(
    name="vitrine_store_away_seconds_total",
    meaning="Time that a stage stood still because its store (Redis, MongoDB, Elasticsearch) was away",
    labels=(_STAGE,),
)
OUTCOMES = Counter(
    name="vitrine_outcomes_total",
    meaning="Raw messages by what the gate made of them",
    labels=(Label("outcome", "valid, or why it was refused", (VALID, *(reason.value for reason in Reason))),),
)
LATE_SESSIONS = Counter(
    name="vitrine_late_sessions_total",
    meaning="Valid sessions that came too late for their window; they are among the valid outcomes",
)
TRANSACTIONS_ABORTED = Counter(
    name="vitrine_transactions_aborted_total",
    meaning="Batches of the gate that were taken back and read again",
)
RECOVERIES = Counter(
    name="vitrine_recoveries_total",
    meaning="Times that the gate compared Redis with the log, and rebuilt it where it had to; 1 at a start",
)
SESSIONS_STORED = Counter(
    name="vitrine_sessions_stored_total",
    meaning="Sessions given to MongoDB",
    labels=(Label("result", "new, or there already after a replay", ("new", "known")),),
)
DOCUMENTS_REFUSED = Counter(
    name="vitrine_documents_refused_total",
    meaning="Documents that Elasticsearch will never take, put aside in `refused_documents`",
    labels=(Label("index", "plain name of the index", topics.INDEXED),),
)


OF_EVERY_STAGE: tuple[Metric, ...] = (RECORDS, BATCH_SECONDS, LATENCY_SECONDS, STORE_AWAY_SECONDS)
OF_GATE: tuple[Counter, ...] = (OUTCOMES, LATE_SESSIONS, TRANSACTIONS_ABORTED, RECOVERIES)
OF_STORE: tuple[Counter, ...] = (SESSIONS_STORED,)
OF_INDEX: tuple[Counter, ...] = (DOCUMENTS_REFUSED,)
ALL = OF_EVERY_STAGE + OF_GATE + OF_STORE + OF_INDEX
