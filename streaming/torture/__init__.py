"""The torture's events, the stages it ends at named points, and the oracle that judges what came out.

events (simulated, with repetitions) → stage (the real one, with a fuse) → oracle (shares no code with it)
"""
