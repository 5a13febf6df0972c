"""The stream, from a raw session to the stores, one package for each concept.

In the order of the data: `contract` says what a session is; `simulate` and `file_import` send some; `gate`
decides about each, asking `dedup`; `sinks` keep valid sessions in MongoDB and documents in Elasticsearch;
`summaries` is the Flink job between them. Beside the way: `kafka`, `flink`, `stores`, `metrics` are what
several share; `reconcile`, `replay`, `distinct`, `extraction`, `dashboards` and `monitor` read what came out.
"""
