"""`./vitrine distinct`: how many users had a session in a period, in all or by country, device or referrer.

The gate counts users in the same step in which it claims sessions (streaming/dedup/redis/claim.lua). plan.py
selects the counters of a period, and is pure; command.py reads them; recount.py adds MongoDB's sessions that
the log no longer has.
"""
