"""Common to all processes: arguments, logs, exit codes, garbage collection. Standard library only."""
