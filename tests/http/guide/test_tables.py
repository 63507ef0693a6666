"""What the program says of itself, as Markdown."""

from __future__ import annotations

from attrs import frozen

from tempmail.http.guide.markdown import render
from tempmail.http.guide.tables import options, plans
from tempmail.model.account import NO_LIMIT, Plan


@frozen
class Option:
    name: str
    help: str
    many: bool = False

    @property
    def variable(self) -> str:
        return f"TEMPMAIL_{self.name.upper()}"


def html(markdown: str) -> str:
    return render(f"# T\n\n{markdown}", lambda target: target).body


def test_an_option_has_its_meaning_its_default_and_its_variable() -> None:
    shown = html(
        options([Option("smtp", "Where, such as tls:465:... [default: a_b*c]", many=True)])
    )
    assert '<h3 id="--smtp">' in shown
    assert "Where, such as tls:465:....\nDefault: a_b*c." in shown
    assert "Variable <code>TEMPMAIL_SMTP</code>; may be repeated." in shown


def test_what_looks_like_markup_in_a_meaning_is_text() -> None:
    shown = html(options([Option("x", "a|b <i> [c](d) *e* `f_g`")]))
    assert "a|b &lt;i&gt; [c](d) *e* <code>f_g</code>." in shown


def test_a_plan_without_a_limit_says_so() -> None:
    shown = html(plans([Plan("pro", 1000, NO_LIMIT, 1440, 43200, 25 * 1024**2, NO_LIMIT)]))
    cells = [one.partition("</td>")[0] for one in shown.split("<td>")[1:]]
    assert cells == [
        *("<code>pro</code>", "1,000", "no limit", "1,440", "43,200", "25 MiB", "no limit")
    ]
