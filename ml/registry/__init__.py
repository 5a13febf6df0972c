"""The model registry: each model's data, code, charge, figures and folder."""
