"""Topics' names, and the hosts that follow from them."""

from __future__ import annotations

import pytest

from tempmail.model.errors import InvalidInput
from tempmail.ses.topics import topic


@pytest.mark.parametrize(
    ("partition", "region", "host", "signer"),
    [
        ("aws", "us-east-1", "sns.us-east-1.amazonaws.com", "sns.amazonaws.com"),
        (
            "aws",
            "me-south-1",
            "sns.me-south-1.amazonaws.com",
            "sns-signing.me-south-1.amazonaws.com",
        ),
        (
            "aws-cn",
            "cn-north-1",
            "sns.cn-north-1.amazonaws.com.cn",
            "sns-cn-north-1.amazonaws.com.cn",
        ),
        (
            "aws-us-gov",
            "us-gov-east-1",
            "sns.us-gov-east-1.amazonaws.com",
            "sns-us-gov-west-1.amazonaws.com",
        ),
        ("aws-eusc", "eusc-de-east-1", "sns.eusc-de-east-1.amazonaws.eu", "sns.amazonaws.eu"),
        ("aws-iso", "us-iso-east-1", "sns.us-iso-east-1.c2s.ic.gov", "sns.c2s.ic.gov"),
        ("aws-iso-b", "us-isob-east-1", "sns.us-isob-east-1.sc2s.sgov.gov", "sns.sc2s.sgov.gov"),
    ],
)
def test_a_regions_host_and_certificate_follow_from_its_partition(
    partition: str, region: str, host: str, signer: str
) -> None:
    found = topic(f"arn:{partition}:sns:{region}:123456789012:mail")
    assert (found.region, found.host) == (region, host)
    assert signer in found.signers


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:sns:cn-north-1:123456789012:mail",
        "arn:aws-cn:sns:eu-west-1:123456789012:mail",
        "arn:aws:sns:us-gov-west-1:123456789012:mail",
        "arn:aws-us-gov:sns:us-east-1:123456789012:mail",
        "arn:aws-evil:sns:us-east-1:123456789012:mail",
        "arn:aws:sns:evil:123456789012:mail",
        "arn:aws:sns:eu-west-1.evil.test:123456789012:mail",
        "arn:aws:sns:eu-west-1:12345678901:mail",
        "arn:aws:sns:eu-west-1:123456789012:",
        "arn:aws:sns:eu-west-1:123456789012:mail:subscription",
        "arn:aws:sqs:eu-west-1:123456789012:mail",
        "arn:aws:sns:eu-west-1:123456789012:mail\n",
        " arn:aws:sns:eu-west-1:123456789012:mail",
        "",
    ],
)
def test_what_is_no_topic_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        topic(text)
