"""`./vitrine reconcile`: do the topics and the stores agree, down to the last session?

Everything is read afresh; no counter of ours is believed. caught_up.py waits until the stages have read all
there is and says what is judged, read.py reads it (evidence.py), account.py judges and is pure, with a part
for each question: outcomes (one for each raw record), admitted (sessions once, users new once), lateness,
holding (what a store has), figures (windows), corrections, heads (what retention has deleted). recompute.py
asks MongoDB alone for the windows.
"""
