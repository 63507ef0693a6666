"""Paragraphs of text in format=flowed (RFC 3676)."""

from __future__ import annotations

_SIGNATURE = "-- "  # section 4.3: never flowed, though it ends with a space


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """``text`` with each paragraph on one line (section 4.1), quotes marked by ``> `` a level.

    :param delete_space: the parameter DelSp: the space that marks a flowed line is no text.
    """
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        quoted = line.lstrip(">")
        level = len(line) - len(quoted)
        content = quoted.removeprefix(" ")  # section 4.4: stuffed
        fixed = content == _SIGNATURE or not content.endswith(" ")
        if paragraph and (level != depth or content == _SIGNATURE):  # section 4.5: not closed
            out.append(_line(paragraph, depth))
            paragraph = []
        depth = level
        paragraph.append(content[:-1] if delete_space and not fixed else content)
        if fixed:
            out.append(_line(paragraph, depth))
            paragraph = []
    if paragraph:
        out.append(_line(paragraph, depth))
    return "\n".join(out)


def _line(paragraph: list[str], depth: int) -> str:
    text = "".join(paragraph)
    return f"{'>' * depth} {text}" if depth else text
