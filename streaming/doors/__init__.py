"""Who gets in to the Airflow UI: hosts that may be named, and wrong logins slowed down."""
