"""`./vitrine distinct`: how many users had a session in a period, in all or by country, device or referrer.

The gate counts in the step in which it claims (adapters/claim.lua); plan.py says which counters answer, and
is pure; command.py asks them; recount.py counts MongoDB's sessions where the log no longer has them.
"""
