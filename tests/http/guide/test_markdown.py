"""Markdown as pages show it."""

from __future__ import annotations

from tempmail.http.guide.markdown import Heading, Rendered, Section, render


def rendered(text: str) -> Rendered:
    return render(text, lambda target: f"/to/{target}" if target != "nowhere.md" else None)


def test_the_title_and_the_first_sentence_are_told_apart_from_the_rest() -> None:
    found = rendered("# A `b` c\n\nFirst words. More.\n\n## Part\n\nText.\n")
    assert (found.title, found.about) == ("A b c", "First words.")
    assert "A <code>b" not in found.body
    assert found.headings == [Heading(2, "part", "Part")]


def test_headings_have_anchors_as_code_hosts_make_them_and_lead_to_themselves() -> None:
    found = rendered("# T\n\n## Senders must: MTA-STS\n\n## `--smtp`\n\n### Same\n\n### Same\n")
    anchors = [one.anchor for one in found.headings]
    assert anchors == ["senders-must-mta-sts", "--smtp", "same", "same-1"]
    assert '<a href="#senders-must-mta-sts">Senders must: MTA-STS</a>' in found.body


def test_raw_html_stays_text() -> None:
    found = rendered("# T\n\n<script>alert(1)</script> <b onclick=x>b</b>\n\n<div>\n")
    assert "<script" not in found.body
    assert "<b " not in found.body
    assert "<div>" not in found.body


def test_links_are_resolved_and_those_that_lead_nowhere_are_words() -> None:
    found = rendered("# T\n\n[here](a.md) and [there *too*](nowhere.md) and [x](b)\n")
    assert '<a href="/to/a.md">here</a>' in found.body
    assert "and there <em>too</em> and" in found.body
    assert '<a href="/to/b">x</a>' in found.body


def test_code_and_tables_scroll_by_themselves_also_by_keys() -> None:
    found = rendered("# T\n\n```sh\necho <a> & b\n```\n\n| a | b |\n| --- | --- |\n| c | d |\n")
    assert '<pre tabindex="0"><code>echo &lt;a&gt; &amp; b\n</code></pre>' in found.body
    assert '<div class="wide" tabindex="0"' in found.body


def test_no_script_can_be_reached_by_a_link() -> None:
    found = render("# T\n\n[x](javascript:alert) [y](data:text/html,x)\n", lambda target: target)
    assert "<a " not in found.body


def test_each_section_is_there_as_text() -> None:
    found = rendered(
        "# T\n\nOne *two*\nthree.\n\n## A `b`\n\n```sh\necho  x\n```\n\n| c |\n| - |\n| d |\n"
    )
    assert found.sections == [
        Section("", "", "One two three."),
        Section("a-b", "A b", "echo x c d"),
    ]
