"""The data folder that batch jobs, pages and commands share. Standard library only."""
