#!/bin/sh
# Gives the role of the server its rights on the tables, with the password of their owner.
set -eu
PGPASSWORD=$(cat /run/secrets/database_owner_password)
export PGPASSWORD
exec psql --no-psqlrc --quiet --file=/grants.sql
