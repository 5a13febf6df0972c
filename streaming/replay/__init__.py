"""What was rejected, and sending it again, corrected or not, any number of times with the same end.

Nothing is remembered beside the log: which message was sent again, with which bytes and to what end, is read
there each time (history.py), so that a replay that died in the middle is just run again.
"""
