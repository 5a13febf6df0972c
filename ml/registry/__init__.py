"""The register of trained models: what each learned from, by which code, at what price, how good it is, and
where it lies."""
