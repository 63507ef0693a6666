"""Words in the messages of one mailbox, by PostgreSQL's full-text search.

There is no index: a mailbox has few messages, and its bucket and id lead to them.  The ``simple``
configuration takes words of any language as they are, in lower case; HTML tags are no words to it.
"""

from __future__ import annotations

import re

from tempmail.storage.database import Cursor

_CHARACTERS = 50_000
"""Of a text, from its beginning: what to_tsvector takes is bounded, and so is its time (7 ms)."""

# To the parser, an address is one word, and the end of 815-4711 a negative number: so the parts of
# addresses are added, and hyphens are spaces.
FOUND = f"""
to_tsvector('simple', translate(concat_ws(' ', subject, from_name, from_address,
    translate(from_address, '@', ' '), translate(from_address, '@.', '  '),
    left(coalesce(nullif(body_text, ''), body_html), {_CHARACTERS})), '-', ' '))
@@ %(query)s::tsquery
"""
"""A condition on a message; ``query`` is as of :func:`text_query`."""

_HYPHEN = re.compile(r"(?<=\w)-(?=\w)")
_ENDS_IN_A_WORD = re.compile(r"(?:\A|[ (])'[^']+'\Z")


def text_query(cursor: Cursor, words: str) -> str:
    """What ``words`` ask for, as the text of a tsquery.

    As web search engines have it (PostgreSQL manual, websearch_to_tsquery): all of the words,
    "phrases in quotes", or, -not.  The last word may be the beginning of one.
    """
    plain = _HYPHEN.sub(" ", words)
    cursor.execute("SELECT websearch_to_tsquery('simple', %s)::text", (plain,))
    ((query,),) = cursor.fetchall()
    if words[-1:].isalnum() and _ENDS_IN_A_WORD.search(query):
        return f"{query}:*"
    return str(query)
