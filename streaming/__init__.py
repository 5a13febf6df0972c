"""The stream, from a raw session to the stores, one package for each concept.

In the order of the data: `contract` defines a session; `simulate` and `file_import` send sessions; `gate`
decides each one with the help of `dedup`; `sinks` write valid sessions to MongoDB and documents to
Elasticsearch; `summaries` is the Flink job between them. Several packages share `kafka`, `flink`, `stores`,
`metrics`, `process` and `data_folder`. `reconcile`, `replay`, `distinct`, `extraction`, `dashboards` and
`monitor` read the results.
"""
