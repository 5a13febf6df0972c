"""The model registry: what each model was trained from, by which code, at what price, how good it is, and
where it lies."""
