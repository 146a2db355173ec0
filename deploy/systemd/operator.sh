#!/bin/sh
# /usr/local/sbin/calling-pipeline: a command of the operator with the settings, secrets and account of the units. As root.
set -eu
[ "$(id -u)" -eq 0 ] || { echo "calling-pipeline: it reads secrets that root alone may read; begin it with sudo" >&2; exit 1; }
# As systemd reads an EnvironmentFile: a line is NAME=VALUE, quotes around the whole value are no part of it, nothing is expanded.
while IFS= read -r line || [ -n "$line" ]; do
  case $line in '' | '#'* | ';'*) continue ;; esac
  value=${line#*=}
  case $value in
    \"*\") value=${value#\"} value=${value%\"} ;;
    \'*\') value=${value#\'} value=${value%\'} ;;
  esac
  export "${line%%=*}=$value"
done < /etc/calling/environment
# Each secret is a file with the name of its setting in small letters; the account of the units could not read it.
for file in /etc/calling/secrets/*; do
  export "CALLING_$(basename "$file" | tr '[:lower:]' '[:upper:]')=$(cat "$file")"
done
# HOME: the programs of PostgreSQL look for certificates in it, and fail where they may not.
export CALLING_HOME=/var/lib/calling HOME=/var/lib/calling LANG=C.UTF-8
# Who is acting: --as, CALLING_USER, else the account that became root.
export LOGNAME="${SUDO_USER:-root}"
umask 077
exec setpriv --reuid=calling --regid=calling --init-groups /opt/calling/venv/bin/calling-pipeline "$@"
