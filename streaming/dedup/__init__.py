"""Which sessions and users were seen within the horizon, and which raw message came first with each."""
