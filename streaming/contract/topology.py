"""Which stage reads and writes what, and where it keeps what it knows. Nothing else says so again. Pure."""

from typing import Literal

from msgspec import Struct

from streaming.contract import topics


class Stage(Struct, frozen=True):
    """One long-running process of ours between two topics or stores."""

    name: str
    """As `./vitrine status` and the label `stage` of the metrics have it."""
    group: str
    """Its consumer group, without the prefix of the cluster's names; also the stage in a reconcile report."""
    reads: tuple[str, ...]
    """Topics, by their plain names."""
    writes: tuple[str, ...]
    store: Literal["redis", "mongodb", "elasticsearch"] | None
    """The component that it asks or fills; Flink keeps the state of its job itself."""


GATE = Stage(
    name="gate",
    group="gate",
    reads=(topics.RAW,),
    writes=(topics.VALID, topics.REJECTED, topics.EXTRACTION_DUE),
    store="redis",
)
STORE = Stage(
    name="store",
    group="store",
    reads=(topics.VALID,),
    writes=(topics.REFUSED_DOCUMENTS,),
    store="mongodb",
)
FLINK_JOB = Stage(
    name="flink-job",
    group="summaries",  # shows how far the job has read; it goes on from its checkpoint alone
    reads=(topics.VALID,),
    writes=topics.INDEXED,
    store=None,
)
INDEX = Stage(
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
"""Those whose loop runs in a process of their own, which shows their metrics; the job's runs in Flink."""
TOPICS_READ = tuple(dict.fromkeys(topic for stage in STAGES for topic in stage.reads))
"""All that some stage reads, each once."""
