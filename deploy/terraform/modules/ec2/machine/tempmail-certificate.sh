#!/bin/bash
# A certificate for STARTTLS by DNS, where the machine receives mail itself.  The daemon notices new
# files by itself; the key comes first, so that no moment has a new certificate with an old key.
set -euo pipefail
. /etc/tempmail/machine
[ -n "$CERTIFICATE_NAME" ] || exit 0
docker run --rm --network host --volume tempmail-letsencrypt:/etc/letsencrypt \
    certbot/dns-route53 certonly --dns-route53 --non-interactive --agree-tos \
    --register-unsafely-without-email --keep-until-expiring --domain "$CERTIFICATE_NAME"
live=$(docker volume inspect --format '{{.Mountpoint}}' tempmail-letsencrypt)/live/$CERTIFICATE_NAME
for pair in privkey:key fullchain:certificate; do
    file=/etc/tempmail/${pair#*:}.pem
    if ! cmp -s "$live/${pair%:*}.pem" "$file"; then
        install -m 0400 -o 10001 -g 10001 "$live/${pair%:*}.pem" "$file.new"
        mv "$file.new" "$file"
    fi
done
