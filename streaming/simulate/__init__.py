"""A furniture shop's visitors: people with habits, and the messages their visits send."""
