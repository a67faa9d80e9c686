#!/bin/sh
# Makes the files of secrets that compose.yaml mounts, in the folder "secrets" beside it. What is
# there stays as it is. Files that you fill in yourself are made empty.
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"

# PostgreSQL reads these inside of its container, whatever the umask was when they were checked out.
chmod -R a+rX "$(dirname "$0")/postgres"

# Nobody else passes the folder. Inside a container each file is read by a user without other rights.
keep() {
  [ -e "$folder/$1" ] || cat >"$folder/$1"
  chmod 444 "$folder/$1"
}
random() { head -c "$1" /dev/urandom; }
hex() { random "$1" | od -An -tx1 | tr -d ' \n'; }

hex 24 | keep postgres_password
hex 24 | keep database_owner_password
hex 24 | keep database_password
url() { printf 'postgres://%s:%s@postgres:5432/coda_mcp' "$1" "$(cat "$folder/$2")"; }
url coda_mcp_owner database_owner_password | keep database_owner_url
url coda_mcp database_password | keep database_url
random 32 | base64 | tr -d '\n' | keep encryption_keys

hex 24 | keep infisical_postgres_password
printf 'ENCRYPTION_KEY=%s\nAUTH_SECRET=%s\nDB_CONNECTION_URI=postgres://infisical:%s@infisical-postgres:5432/infisical\n' \
  "$(hex 16)" "$(random 32 | base64 | tr -d '\n')" "$(cat "$folder/infisical_postgres_password")" | keep infisical.env

for name in coda_api_token oauth_client_secret mcp_bearer_tokens infisical_client_secret tunnel_token; do
  keep "$name" </dev/null
  # To be filled in with an editor.
  chmod 644 "$folder/$name"
done
chmod 600 "$folder/infisical.env"
echo "secrets are in $folder; keep a copy of encryption_keys elsewhere: what is stored cannot be read without it"
