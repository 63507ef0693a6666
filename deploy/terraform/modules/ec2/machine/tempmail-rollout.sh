#!/bin/bash
# Runs the image with another tag; back to the one before where it does not become ready.
set -euo pipefail
tag=$1
. /etc/tempmail/machine
. /etc/tempmail/tag
before=$TAG

ready() {
    for _ in $(seq 60); do
        if curl -fsS -m 2 -o /dev/null http://127.0.0.1:8080/health/ready; then return 0; fi
        sleep 1
    done
    return 1
}

run() {
    echo "TAG=$1" > /etc/tempmail/tag
    systemctl restart tempmail.service
    ready
}

tempmail-login
docker pull --quiet "$IMAGE:$tag"
if run "$tag"; then
    docker image prune --all --force --filter until=240h > /dev/null
    echo "$tag is ready"
    exit
fi
journalctl -u tempmail -n 20 --no-pager -o cat || true
echo "$tag did not become ready: back to $before" >&2
run "$before"
exit 1
