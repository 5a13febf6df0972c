"""The learning side: features, similar users, private models, explanations and reports."""
