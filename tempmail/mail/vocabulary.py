"""Lists of words made into patterns that find any of them quickly."""

from __future__ import annotations

import re

from attrs import frozen

from tempmail.mail.folding import fold

_LITERAL = re.compile(r"(?:\\b)?[^\\\[\](){}?*+|.^$](?![?*+{])")

_Tree = dict[str, "_Tree"]


@frozen
class Words:
    """Finds words in folded text, taking those in ASCII alone where the text is."""

    in_ascii: re.Pattern[str]
    in_any: re.Pattern[str]

    def search(self, folded: str) -> re.Match[str] | None:
        """The first of the words in ``folded``."""
        return (self.in_ascii if folded.isascii() else self.in_any).search(folded)

    def last(self, folded: str) -> re.Match[str] | None:
        """The last of the words in ``folded``."""
        matches = list((self.in_ascii if folded.isascii() else self.in_any).finditer(folded))
        return matches[-1] if matches else None


def any_of(words: str) -> Words:
    """Any of the ``words``: regular expressions in lower case, divided by spaced bars or lines."""
    listed = [word for word in re.split(r"\s*\n\s*| +\| +", fold(words).strip()) if word]
    return Words(_compiled([word for word in listed if word.isascii()]), _compiled(listed))


def _compiled(words: list[str]) -> re.Pattern[str]:
    """One pattern in which words that begin alike are tried together.

    As a plain alternation, hundreds of words would be tried one by one at each place.
    """
    tree: _Tree = {}
    for word in words:
        branch, position = tree, 0
        while literal := _LITERAL.match(word, position):
            branch = branch.setdefault(literal[0], {})
            position = literal.end()
        branch[word[position:]] = {}
    return re.compile(_alternation(tree))


def _alternation(tree: _Tree) -> str:
    """What ``tree`` holds, longer words first."""
    ways = [_step(key) + _alternation(rest) for key, rest in sorted(tree.items(), reverse=True)]
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})" if ways else ""


def _step(key: str) -> str:
    """A word boundary is looked for behind the letter, so that each way begins with a letter."""
    if _LITERAL.fullmatch(key) and key.startswith(r"\b"):
        return rf"{key[2:]}(?<={key})"
    return key
