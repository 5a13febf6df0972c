"""One module for each component: how it is configured and what services it consists of."""
