"""Training all models on one table and measuring them on rows kept back."""
