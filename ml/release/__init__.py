"""Training of all models, measuring them on test rows, and their release."""
