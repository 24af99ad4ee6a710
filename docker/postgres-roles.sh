#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: two roles and the database. onemark_owner owns the tables and migrates them;
# onemark_app is what the processes connect as, and passes no row-level security. In the one box kit/postgres.py does the same.
set -eu
psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname postgres \
    --set=owner_password="$ONEMARK_OWNER_PASSWORD" --set=app_password="$ONEMARK_APP_PASSWORD" <<'SQL'
CREATE ROLE onemark_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE onemark_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'app_password';
CREATE DATABASE onemark OWNER onemark_owner;
REVOKE CONNECT ON DATABASE onemark FROM PUBLIC;
GRANT CONNECT ON DATABASE onemark TO onemark_app;
SQL
