#!/bin/sh
# Stands in for PostgreSQL, which ends on its image's STOPSIGNAL.
exec /steps say starting sleep 1 touch /tmp/accepts serve 5432 say ready wait say 'shut down' exit 0
