"""`./vitrine torture`, the chaos test: kills stages and components under load and checks the results.

`schedule` plans the kills, `cluster` and `own_redis` start the stages and Redis of the run, `workload` sends
the messages of `generator`, `nemesis` kills and waits, `checker` compares the results with `oracle`, and
`report` prints them.
"""
