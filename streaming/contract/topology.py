"""Which topics each stage reads and writes, and which store it uses. Declared only here. Pure."""

from typing import Literal

from msgspec import Struct

from streaming.contract import topics


class StageDeclaration(Struct, frozen=True):
    """A long-running process of Vitrine between two topics or stores."""

    name: str
    """The name in `./vitrine status` and in the label `stage` of metrics."""
    group: str
    """Its consumer group without prefix; also the name of the stage in a reconcile report."""
    reads: tuple[str, ...]
    """Names of topics without prefix."""
    writes: tuple[str, ...]
    store: Literal["redis", "mongodb", "elasticsearch"] | None
    """The component that it reads or writes; None for the Flink job, whose state is in Flink."""
    looks_into: tuple[str, ...] = ()
    """Names of topics that it also reads, without committing offsets."""
    transactional_ids: str | None = None
    """What its transactional ids begin with, without prefix; None if it has no transactions."""


GATE = StageDeclaration(
    name="gate",
    group="gate",
    reads=(topics.RAW,),
    writes=(topics.VALID, topics.REJECTED, topics.EXTRACTION_DUE),
    store="redis",
    looks_into=(topics.VALID,),  # to rebuild the dedup store
    transactional_ids="gate-",
)
STORE = StageDeclaration(
    name="store",
    group="store",
    reads=(topics.VALID,),
    writes=(topics.REFUSED_DOCUMENTS,),
    store="mongodb",
)
FLINK_JOB = StageDeclaration(
    name="flink-job",
    group="summaries",  # only shows how far the job has read: it resumes from its checkpoint
    reads=(topics.VALID,),
    writes=topics.INDEXED,
    store=None,
    looks_into=topics.INDEXED,  # for transactions that its former run left open
    transactional_ids="session-summaries-",
)
INDEX = StageDeclaration(
    name="index",
    group="index",
    reads=topics.INDEXED,
    writes=(topics.REFUSED_DOCUMENTS,),
    store="elasticsearch",
)

STAGES = (GATE, STORE, FLINK_JOB, INDEX)
"""In the order of the data."""
BY_NAME = {stage.name: stage for stage in STAGES}
PYTHON_STAGES = (GATE, STORE, INDEX)
"""The stages that run in a Python process of their own, which serves their metrics; the job runs in Flink."""
LOOKING_GROUPS = ("progress", "read-all", "read-settled", "watch")
"""Groups of consumers that only look at the log: Kafka wants a name, and nobody commits under these."""
EXTRACTION_GROUP = "extract_sessions"
"""The group in which Airflow waits for records of `extraction_due`."""
TOPICS_READ = tuple(dict.fromkeys(topic for stage in STAGES for topic in stage.reads))
"""All topics that stages read, each once."""
