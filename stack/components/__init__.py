"""One module per component: its configuration and its services."""
