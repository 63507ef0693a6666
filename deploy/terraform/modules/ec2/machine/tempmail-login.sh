#!/bin/bash
# Lets Docker fetch from the registry, with the machine's own role; valid for twelve hours.
set -euo pipefail
. /etc/tempmail/machine
aws ecr get-login-password --region "$REGION" |
    docker login --username AWS --password-stdin "${IMAGE%%/*}" > /dev/null 2>&1
