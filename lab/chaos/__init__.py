"""`./vitrine torture`: ends by SIGKILL what carries the data, under load, and asks an oracle what came out.

arguments → plan (which kill when) → fleet (its own stages and Redis) → course (load, kills, waiting) →
judgement → report. The events, the fuse and the oracle are streaming/torture.
"""
