"""`./vitrine audit`: attacks that try to refute the privacy guarantee of each model."""
