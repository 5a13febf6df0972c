"""The data folder, which batch jobs, pages and commands share. Standard library only."""
