"""Every metric of Vitrine. `python -m streaming.metrics` makes docs/metrics.md from it. Pure."""

from streaming.contract import topics
from streaming.contract.rejection import Reason
from streaming.contract.topology import PYTHON_STAGES, STAGES
from streaming.metrics.kinds import Counter, Gauge, Histogram, Label, Metric

_STAGE = Label("stage", "the stage that reports it", tuple(stage.name for stage in PYTHON_STAGES))
_READER = Label("stage", "the stage that reads the topic", tuple(stage.name for stage in STAGES))
_TOPIC = Label("topic", "name without prefix")
_PARTITION = Label("partition", "number")
_FILTER = Label(
    "filter", "for sessions or for users; the fullest segment of the horizon", ("sessions", "users")
)
_SERVICE = Label("service", "name as in `./vitrine status`")

VALID = "valid"

# Metrics that a stage reports itself.
RECORDS = Counter(
    name="vitrine_records_total",
    meaning="Records read, processed and committed",
    labels=(_STAGE,),
)
BATCH_SECONDS = Histogram(
    name="vitrine_batch_seconds",
    meaning="Time of a batch from the request to Redis (gate) or the end of reading (store, index) to commit",
    labels=(_STAGE,),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
LATENCY_SECONDS = Histogram(
    name="vitrine_latency_seconds",
    meaning=(
        "Time from a message's arrival in the raw topic until the gate decided it (gate), its session was in"
        " MongoDB (store), or Elasticsearch acknowledged its summary (index), which is searchable within a"
        " second after that (one summary in fifty is timed). Also counts from the arrival if a stage reads a"
        " record again"
    ),
    labels=(_STAGE,),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900, 3600),
)
STORE_AWAY_SECONDS = Counter(
    name="vitrine_store_away_seconds_total",
    meaning="Time that a stage waited because its store (Redis, MongoDB, Elasticsearch) was unavailable",
    labels=(_STAGE,),
)
OUTCOMES = Counter(
    name="vitrine_outcomes_total",
    meaning="Raw messages by outcome",
    labels=(
        Label("outcome", "valid, or the reason of rejection", (VALID, *(reason.value for reason in Reason))),
    ),
)
LATE_SESSIONS = Counter(
    name="vitrine_late_sessions_total",
    meaning="Valid sessions that were too late for their window; the outcome valid includes them",
)
OTHER_WORDS = Counter(
    name="vitrine_other_words_total",
    meaning="Valid sessions whose word is on no list and counts as `other` (settings VITRINE_WORDS_…)",
    labels=(Label("dimension", "which word", ("country", "device", "referrer")),),
)
MASKED_SESSIONS = Counter(
    name="vitrine_masked_sessions_total",
    meaning="Valid sessions with an e-mail address where none belongs, which was masked as `[mail]`",
)
TRANSACTIONS_ABORTED = Counter(
    name="vitrine_transactions_aborted_total",
    meaning="Transactions of the gate that were aborted, or whose outcome was unknown",
)
RECOVERIES = Counter(
    name="vitrine_recoveries_total",
    meaning="How often the gate compared Redis with the log, and rebuilt it if necessary; 1 after a start",
)
SESSIONS_STORED = Counter(
    name="vitrine_sessions_stored_total",
    meaning="Sessions sent to MongoDB",
    labels=(Label("result", "new, or already stored because the stage read it again", ("new", "known")),),
)
DOCUMENTS_REFUSED = Counter(
    name="vitrine_documents_refused_total",
    meaning="Dead letters: records that a store can never store, kept in `refused_documents`",
    labels=(Label("index", "name of topic and index without prefix", (topics.VALID, *topics.INDEXED)),),
)


# Metrics that no stage can report itself: the monitor (streaming/monitor) probes each component.
PROBES = ("kafka", "services", "redis", "elasticsearch", "flink", "reconcile", "stages")
PROBE_UP = Gauge(
    name="vitrine_probe_up",
    meaning="1 if the probe gets an answer, else 0; while it is 0 the probe's other metrics are missing",
    labels=(Label("probe", "name of the probe", PROBES),),
)
LAG_RECORDS = Gauge(
    name="vitrine_lag_records",
    meaning="Consumer lag: offsets that the stage has not committed past; 0 once it has read every record",
    labels=(_READER, _TOPIC, _PARTITION),
)
LAG_SECONDS = Gauge(
    name="vitrine_lag_seconds",
    meaning="Age of the oldest record that the stage has not committed; 0 if there is none",
    labels=(_READER, _TOPIC, _PARTITION),
)
EXPIRED_RECORDS = Gauge(
    name="vitrine_expired_records",
    meaning="Offsets that retention deleted before the stage had committed past them",
    labels=(_READER, _TOPIC, _PARTITION),
)
END_OFFSET = Gauge(
    name="vitrine_topic_end_offset",
    meaning="The offset after the last record of a partition; its rate of growth is the rate of new records",
    labels=(_TOPIC, _PARTITION),
)
RETENTION_SECONDS = Gauge(
    name="vitrine_topic_retention_seconds",
    meaning="How long the topic keeps its records",
    labels=(_TOPIC,),
)
SERVICE_UP = Gauge(
    name="vitrine_service_up",
    meaning="1 if a started or external service answers in its own protocol, else 0",
    labels=(_SERVICE,),
)
SERVICE_STARTS = Counter(
    name="vitrine_service_starts_total",
    meaning="Starts of the service by the supervisor; all but the first are restarts",
    labels=(_SERVICE,),
)
RESIDENT_BYTES = Gauge(
    name="vitrine_service_resident_bytes",
    meaning="Memory of a service and its child processes",
    labels=(_SERVICE,),
)
FOREIGN_USERS_KEPT_OUT = Gauge(
    name="vitrine_foreign_users_kept_out",
    meaning="1 if a rule keeps other users of the machine from ports that ask for no password, else 0",
)
FILTER_CAPACITY = Gauge(
    name="vitrine_filter_capacity", meaning="Items that a Bloom filter was reserved for", labels=(_FILTER,)
)
FILTER_ITEMS = Gauge(
    name="vitrine_filter_items",
    meaning="Items in a Bloom filter; beyond its capacity it grows by layers: as exact, but slower to query",
    labels=(_FILTER,),
)
FILTER_ERROR_RATIO = Gauge(
    name="vitrine_filter_error_ratio",
    meaning="Estimated share of new items taken for known ones; each costs a look-up, but no wrong outcome",
    labels=(_FILTER,),
)
FILTER_BYTES = Gauge(
    name="vitrine_filter_bytes", meaning="Memory of all filters for sessions, or for users", labels=(_FILTER,)
)
DISTINCT_USERS = Gauge(
    name="vitrine_distinct_users", meaning="Redis' estimate of the number of distinct users"
)
REDIS_BYTES = Gauge(name="vitrine_redis_used_bytes", meaning="Memory that Redis reports to use")
REDIS_MAX_BYTES = Gauge(
    name="vitrine_redis_max_bytes",
    meaning="Memory that Redis may use; missing if it has no maximum",
)
REDIS_KEYS = Gauge(
    name="vitrine_redis_keys",
    meaning="Keys in Redis' database: buckets of claims, filters and counters of users",
)
NEWEST_SEARCHABLE = Gauge(
    name="vitrine_newest_searchable_timestamp_seconds",
    meaning="When the newest searchable session arrived",
)
FLINK_JOB_RUNNING = Gauge(name="vitrine_flink_job_running", meaning="1 if all tasks of the job run, else 0")
FLINK_JOB_RESTARTS = Gauge(
    name="vitrine_flink_job_restarts", meaning="Restarts of the job since it was submitted"
)
FLINK_HEAP_USED = Gauge(
    name="vitrine_flink_heap_used_bytes", meaning="Heap in use, of the TaskManager that uses most"
)
FLINK_HEAP_MAX = Gauge(name="vitrine_flink_heap_max_bytes", meaning="Heap that this TaskManager may use")
FLINK_CHECKPOINT = Gauge(
    name="vitrine_flink_checkpoint_timestamp_seconds",
    meaning="When the job's last completed checkpoint was taken",
)
FLINK_STATE_BYTES = Gauge(
    name="vitrine_flink_state_bytes",
    meaning="The job's state in its last completed checkpoint: the running totals of windows, kept for ever",
)
RECONCILE_ENDED = Gauge(
    name="vitrine_reconcile_timestamp_seconds",
    meaning="When `reconcile` last ended, whatever its verdict",
)
RECONCILE_VERDICT = Gauge(
    name="vitrine_reconcile_verdict",
    meaning="1 for the verdict of the last `reconcile`, 0 for the others",
    labels=(Label("verdict", "whether the stores agree", ("holds", "broken", "unknown")),),
)

OF_EVERY_STAGE: tuple[Metric, ...] = (RECORDS, BATCH_SECONDS, LATENCY_SECONDS, STORE_AWAY_SECONDS)
OF_GATE: tuple[Counter, ...] = (
    OUTCOMES,
    LATE_SESSIONS,
    OTHER_WORDS,
    MASKED_SESSIONS,
    TRANSACTIONS_ABORTED,
    RECOVERIES,
)
OF_STORE: tuple[Counter, ...] = (SESSIONS_STORED, DOCUMENTS_REFUSED)
OF_INDEX: tuple[Counter, ...] = (DOCUMENTS_REFUSED,)
OF_STAGES = OF_EVERY_STAGE + OF_GATE + (SESSIONS_STORED,) + OF_INDEX
OF_WATCH: tuple[Metric, ...] = (
    PROBE_UP,
    *(LAG_RECORDS, LAG_SECONDS, EXPIRED_RECORDS, END_OFFSET, RETENTION_SECONDS),
    *(SERVICE_UP, SERVICE_STARTS, RESIDENT_BYTES),
    FOREIGN_USERS_KEPT_OUT,
    *(FILTER_CAPACITY, FILTER_ITEMS, FILTER_ERROR_RATIO, FILTER_BYTES),
    *(DISTINCT_USERS, REDIS_BYTES, REDIS_MAX_BYTES, REDIS_KEYS, NEWEST_SEARCHABLE),
    *(FLINK_JOB_RUNNING, FLINK_JOB_RESTARTS, FLINK_CHECKPOINT),
    *(FLINK_HEAP_USED, FLINK_HEAP_MAX, FLINK_STATE_BYTES),
    *(RECONCILE_ENDED, RECONCILE_VERDICT),
)
ALL = OF_STAGES + OF_WATCH
