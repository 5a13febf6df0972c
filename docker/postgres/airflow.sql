-- Runs once, when the database is made: Airflow's user owns its database and is no superuser.
\set password `cat /run/secrets/postgres_airflow`
CREATE ROLE airflow LOGIN PASSWORD :'password';
CREATE DATABASE airflow OWNER airflow;
