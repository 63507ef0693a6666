"""The scripts, as their tools see them: types, lint, form, and where Lit comes from."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from importlib import resources
from pathlib import Path

import pytest

from tempmail.http.web_files import uncommented
from tests.web.tools.packages import HERE, packages, run

WEB = Path(str(resources.files("tempmail").joinpath("web")))

pytestmark = pytest.mark.skipif(
    shutil.which("npm") is None and not os.environ.get("CI"),
    reason="there is no npm on this machine, which brings the tools for scripts",
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the scripts beside their tools."""
    names = ("typescript", "@biomejs/biome", "lit", "esbuild")
    folder = packages(tmp_path_factory, *names)
    shutil.copytree(WEB, folder / "web", dirs_exist_ok=True)
    for name in ("jsconfig.json", "biome.json", "lit-entry.js"):
        shutil.copy(HERE / name, folder)
    return folder


def test_the_types_are_right(workshop: Path) -> None:
    run(workshop, "node_modules/.bin/tsc", "-p", "jsconfig.json")


def test_the_linter_and_the_formatter_have_nothing_to_say(workshop: Path) -> None:
    run(workshop, "node_modules/.bin/biome", "check", "--error-on-warnings", "web")


def test_lit_is_what_its_makers_published(workshop: Path) -> None:
    told = json.loads((WEB / "vendor" / "vendor.json").read_text("utf-8"))
    kept = (WEB / "vendor" / told["file"]).read_bytes()
    assert hashlib.sha256(kept).hexdigest() == told["sha256"]
    options = told["made_by"].partition(": ")[2].split()
    run(workshop, "node_modules/.bin/esbuild", "lit-entry.js", *options, "--outfile=made.js")
    assert (workshop / "made.js").read_bytes() == kept
    package = json.loads((workshop / "node_modules/lit/package.json").read_text("utf-8"))
    assert package["version"] == told["version"]


def test_without_its_comments_a_script_is_the_same(workshop: Path) -> None:
    served = workshop / "served"
    served.mkdir()
    options = ("--minify", "--tsconfig-raw={}")
    for script in sorted(WEB.glob("js/*.js")):
        lean = served / script.name
        lean.write_bytes(uncommented(script.read_bytes()))
        assert lean.read_bytes().count(b"\n") == script.read_bytes().count(b"\n")
        made = [
            run(workshop, "node_modules/.bin/esbuild", *options, str(one))
            for one in (workshop / "web" / "js" / script.name, lean)
        ]
        assert made[0] == made[1], script.name


def test_no_script_makes_html_of_a_string() -> None:
    for script in WEB.glob("js/*.js"):
        text = script.read_text("utf-8")
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write", text
        )
        assert not found, script


def test_every_text_has_its_words_and_every_word_is_used() -> None:
    core = ("app", "address", "dialogs", "list", "live", "mail", "reader", "ui")
    source = "".join((WEB / "js" / f"{name}.js").read_text("utf-8") for name in core)
    texts = (WEB / "js" / "i18n.js").read_text("utf-8")
    table, _, rest = texts.partition("/** Add texts")
    known = {
        re.sub(r"_(one|other)$", "", key) for key in re.findall(r"^  (\w+):", table, re.MULTILINE)
    }
    named = set(re.findall(r"\bt\(\s*'(\w+)'", source + rest))
    assert named - known == set()
    made = {key for key in known if key.startswith("link_")}
    assert {key for key in known - made if f"'{key}'" not in source + rest} == set()
