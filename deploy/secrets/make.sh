#!/bin/sh
# Writes the secrets of deploy/compose.yaml beside this file, each once: what is there already stays.
set -eu
umask 077
cd "$(dirname "$0")"
random() { head -c 32 /dev/urandom | base64 | tr -d '/+=\n'; }
once() { [ -s "$1" ] || { printf '%s\n' "$2" > "$1"; echo "made $1"; }; }
once postgres_password "$(random)"
once database_url "postgresql://calling:$(cat postgres_password)@postgres:5432/calling"
once dagster_database_url "postgresql://calling:$(cat postgres_password)@postgres:5432/dagster"
once secret_key "$(random)"
once api_tokens "{\"$(random)\": {\"role\": \"admin\", \"name\": \"admin\"}}"
once celery_broker "redis://:$(random)@broker:6379/0"
broker_password() { sed 's|^redis://:\(.*\)@.*|\1|' celery_broker; }
once broker_conf "$(printf 'requirepass %s\nsave ""\nappendonly no\nmaxmemory 200mb\nmaxmemory-policy noeviction\ndir /tmp' "$(broker_password)")"
# Compose gives a secret to a container as the very file: uid 10001 reads it there, and on the host root alone.
chown 10001:10001 database_url dagster_database_url secret_key api_tokens celery_broker broker_conf 2>/dev/null \
  || echo "run this as root, or: chown 10001:10001 $(pwd)/* but postgres_password and make.sh" >&2
