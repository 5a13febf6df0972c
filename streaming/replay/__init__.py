"""Lists rejected messages and sends them again, corrected or not. Repeating a replay changes nothing more.

The log is the only memory: which message was sent again, with which bytes and with which outcome, is read
there each time (history.py). So a replay that died in the middle is simply run again.
"""
