"""How every process behaves: arguments, logs, exit codes, garbage collection. Standard library only."""
