"""The MongoDB stage: keeps every valid session once, whatever is replayed.

read → insert, or replace an earlier version → commit the offsets (streaming/sinks/stage.py).
"""
