"""`./vitrine audit`: attacks that try to refute the guarantee of each model."""
