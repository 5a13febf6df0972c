"""Learning: features, similar users, private models, explanations and reports."""
