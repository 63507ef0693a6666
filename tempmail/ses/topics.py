"""Topics of Amazon SNS: where they live, and the names by which their region is known."""

from __future__ import annotations

import re

from attrs import frozen

from tempmail.model.errors import InvalidInput

_ARN = re.compile(r"arn:([a-z-]+):sns:([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9_-]{1,256})\Z")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,2}-[0-9]{1,2}\Z")

# Of each partition: how its regions' names begin, and what its hosts end with.
_PARTITIONS = {
    "aws": ("", "amazonaws.com"),
    "aws-cn": ("cn-", "amazonaws.com.cn"),
    "aws-us-gov": ("us-gov-", "amazonaws.com"),
    "aws-eusc": ("eusc-", "amazonaws.eu"),
    "aws-iso": ("us-iso-", "c2s.ic.gov"),
    "aws-iso-b": ("us-isob-", "sc2s.sgov.gov"),
    "aws-iso-e": ("eu-isoe-", "cloud.adc-e.uk"),
    "aws-iso-f": ("us-isof-", "csp.hci.ic.gov"),
}


@frozen
class Topic:
    """A topic, by its Amazon Resource Name.

    :ivar host: where its region's SNS answers, and keeps the certificates that it signs with.
    :ivar signers: names of which the certificate has one: Amazon's regions differ in that.
    """

    arn: str
    region: str
    host: str
    signers: frozenset[str]


def topic(text: str) -> Topic:
    """Read ``arn:aws:sns:REGION:ACCOUNT:NAME``.

    :raises InvalidInput: it is none, or its region is not of its partition.
    """
    match = _ARN.match(text)
    if match is None:
        raise InvalidInput(f"{text!r} is no topic, as in arn:aws:sns:eu-west-1:123456789012:mail")
    partition, region = match[1], match[2]
    known = _PARTITIONS.get(partition)
    if known is None:
        raise InvalidInput(f"{partition!r} is no partition: {', '.join(_PARTITIONS)}")
    if not _REGION.match(region) or _partition_of(region) != partition:
        raise InvalidInput(f"{region!r} is no region of {partition}")
    suffix = known[1]
    signers = {
        f"sns.{suffix}",
        f"sns.{region}.{suffix}",
        f"sns-signing.{region}.{suffix}",
        f"sns-{region}.{suffix}",
    }
    if partition == "aws-us-gov":  # one signs for both of its regions
        signers.add(f"sns-us-gov-west-1.{suffix}")
    return Topic(text, region, f"sns.{region}.{suffix}", frozenset(signers))


def _partition_of(region: str) -> str:
    for name, (start, _) in _PARTITIONS.items():
        if start and region.startswith(start):
            return name
    return "aws"
