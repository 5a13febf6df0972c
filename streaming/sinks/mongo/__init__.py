"""The MongoDB stage: keeps every valid session once, whatever is replayed.

read → insert where missing → commit the offsets (streaming/sinks/stage.py).
"""
