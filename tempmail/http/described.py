"""What a field means, said where the field is declared."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct


def described(description: str, *examples: Any, **bounds: Any) -> Meta:
    """Says in an annotation what a field means.

    :param examples: real-looking values; those of all fields together make the example of the
        whole in the OpenAPI document.
    :param bounds: of :class:`msgspec.Meta`.
    """
    return Meta(description=description, examples=list(examples) or None, **bounds)


class Names(Struct, kw_only=True):
    """Whatever varies in a path, by name.

    No bounds here that a request could break: what has not the form of a name of ours is the
    name of nothing, and answered 404.
    """

    address: Annotated[str, described("A mailbox's address", "happy-tiger-42@example.org")]
    which: Annotated[
        str,
        described(
            "A message's `id`, or `latest`", "019a9f2e-5c80-7000-8000-00000000002a", "latest"
        ),
    ]
    index: Annotated[str, described("Its `index`, counted from 0", "0")]
    token: Annotated[
        str, described("The signature out of `html_url`, good for ten minutes", "eyJtIjo0Mn0.c2ln")
    ]
    name: Annotated[str, described("What stands before the @ of the address", "1a2b3c4d")]
    id: Annotated[str, described("The `id` that lists show", "17")]
