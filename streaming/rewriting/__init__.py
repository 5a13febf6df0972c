"""Writes topics of the log anew, with a change to each record: Kafka changes and deletes no single one.

change.py says what is left of a topic and is pure; log.py writes it. No stage may run meanwhile. A feed is
purged by it (streaming/purge), and persons are erased (streaming/person).
"""
