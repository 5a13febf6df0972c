"""Turns the declarations in dashboards/*.yaml into live figures and into Kibana's saved objects."""
