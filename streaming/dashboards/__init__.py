"""From one readable source (dashboards/*.yaml) to live figures and to Kibana's saved objects."""
