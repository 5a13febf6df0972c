"""`./vitrine reconcile`: do the topics and the stores agree, down to the last session?

Everything is read afresh; no counter of ours is believed. account.py judges and is pure, evidence.py says
what it judges by, command.py waits until the stages have caught up and reads it.
"""
