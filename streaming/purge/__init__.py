"""`./vitrine purge FEED`: removes every session of a feed, as if it had never come.

kept.py says what stays of the log and is pure; log.py has it written anew (streaming/rewriting); stores.py
removes the feed from Elasticsearch, extracts and window totals; run.py does one after the other. The stages
must not run meanwhile (stack/purge.py stops them).
"""
