"""Words in the messages of one mailbox, by PostgreSQL's full-text search.

There is no index: a mailbox has few messages, and its bucket and id lead to them.  The ``simple``
configuration takes words of any language as they are, in lower case; HTML tags are no words to it.
"""

from __future__ import annotations

import re

from tempmail.storage.database import Cursor

_CHARACTERS = 100_000
"""Of a text, from its beginning: what to_tsvector takes is bounded, and so is its time (10 ms)."""

# An address and a name with dots are one word each to the parser; so their parts are added.
FOUND = f"""
to_tsvector('simple', concat_ws(' ', subject, from_name, from_address,
    translate(from_address, '@.', '  '),
    left(coalesce(nullif(body_text, ''), body_html), {_CHARACTERS}))) @@ %(query)s::tsquery
"""
"""A condition on a message; ``query`` is as of :func:`text_query`."""

_ENDS_IN_A_WORD = re.compile(r"(?:\A|[ (])'[^']+'\Z")


def text_query(cursor: Cursor, words: str) -> str:
    """What ``words`` ask for, as the text of a tsquery.

    As web search engines have it (PostgreSQL manual, websearch_to_tsquery): all of the words,
    "phrases in quotes", or, -not.  The last word may be the beginning of one.
    """
    cursor.execute("SELECT websearch_to_tsquery('simple', %s)::text", (words,))
    ((query,),) = cursor.fetchall()
    if words[-1:].isalnum() and _ENDS_IN_A_WORD.search(query):
        return f"{query}:*"
    return str(query)
