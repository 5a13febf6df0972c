"""The search stage: carries what Flink wrote into Elasticsearch, the newest version of each id.

read → newest of each id → bulk → put aside what is refused → commit the offsets
(streaming/sinks/stage.py)."""
