"""`./vitrine reconcile`: do the topics and the stores agree, down to the last session?

Everything is read from the topics and stores again; no counter of the stages is trusted. caught_up.py waits
until the stages have read everything and returns what is compared, read.py reads it (evidence.py), and
account.py compares it and is pure. It has a module for each question: outcomes (one for each raw record),
admitted (each session once, each user new once), lateness, store_contents, window_figures, corrections and
topic_heads (what retention has deleted). recompute.py computes the window aggregates from MongoDB alone.
"""
