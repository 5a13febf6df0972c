"""The words by which sessions are counted and grouped, each from a list: a visitor chooses what a session
says, and nobody may choose how many counters and rows there are (decision 57)."""
