"""How many rows a message stands for on its way through Python. Pure.

Flink fills batches and bundles by number of rows, and a visitor chooses how long messages are: a batch of
messages of 1 MB would fill the heap, in which it is several times. So a long message is followed by blank
rows, so many that no batch has more than ROW_BYTES a row.
"""

ROW_BYTES = 4_096
STEPS = (1, 2, 4, 8, 16, 64, 256, 1_024)
"""The numbers of rows; the last is enough for every message that a broker takes into the topic."""


def sql(message: str) -> str:
    """Returns the rows of a column of bytes as an SQL expression: an array with an element for each row, true
    where the row is blank. It is the first of STEPS that is enough; a message that is NULL is one row."""
    length = f"CHAR_LENGTH(DECODE({message}, 'ISO-8859-1'))"  # in bytes, for which there is no function
    cases = " ".join(f"WHEN {length} <= {step * ROW_BYTES} THEN {_array(step)}" for step in STEPS[:-1])
    return f"CASE WHEN {message} IS NULL THEN {_array(1)} {cases} ELSE {_array(STEPS[-1])} END"


def _array(step: int) -> str:
    return f"ARRAY[{', '.join(['FALSE', *['TRUE'] * (step - 1)])}]"
