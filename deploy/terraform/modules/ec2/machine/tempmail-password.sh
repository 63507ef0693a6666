#!/bin/bash
# Writes the URLs of the database and of Redis where only the daemon's user reads them.  With
# "changed" as argument: and restarts the daemon where a password is another one.
set -euo pipefail
. /etc/tempmail/machine
install -d -m 0755 /run/tempmail
umask 077
changed=no

secret() {
    aws secretsmanager get-secret-value --region "$REGION" --secret-id "$1" \
        --query SecretString --output text
}

# Standard input becomes the file, whole or not at all.
keep() {
    cat > "/run/tempmail/$1.new"
    chown 10001:10001 "/run/tempmail/$1.new"
    if cmp -s "/run/tempmail/$1.new" "/run/tempmail/$1"; then
        rm "/run/tempmail/$1.new"
    else
        mv "/run/tempmail/$1.new" "/run/tempmail/$1"
        changed=yes
    fi
}

keep database < <(secret "$DATABASE_SECRET" | jq -re --arg host "$DATABASE_ADDRESS" \
    '"postgresql://\(.username | @uri):\(.password | @uri)@\($host)/tempmail?sslmode=verify-full&sslrootcert=/etc/tempmail/database-ca.pem"' ||
    kill $$)
keep redis < <(printf 'rediss://:%s@%s:6379\n' "$(secret "$REDIS_SECRET" || kill $$)" "$REDIS_ADDRESS")

if [ "$changed" = yes ] && [ "${1-}" = changed ]; then
    systemctl restart tempmail.service
fi
