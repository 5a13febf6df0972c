"""What each stage costs beside the barest thing that could do its transport, in one run."""
