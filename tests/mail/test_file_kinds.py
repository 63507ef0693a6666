"""Which files are handed out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.file_kinds import blocked_kind
from tempmail.mail.refused_kinds import REFUSED_KINDS
from tests.mail.test_archives import tarred, zipped

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("setup.exe", "exe"),
        ("SETUP.EXE", "exe"),
        ("invoice.pdf.exe", "exe"),
        ("invoice.pdf                 .exe", "exe"),
        ("invoice\u202efdp.exe", "exe"),
        ("setup.ex\u200be", "exe"),
        ("setup.exe.", "exe"),
        ("setup.exe ", "exe"),
        ("setup.exe\0.txt", "exe"),
        ("setup.exe::$DATA", "exe"),
        ("dir\\setup.exe", "exe"),
        (".exe", "exe"),
        ("setup.exe.gz", "exe"),
        ("macro.docm", "docm"),
        ("link.lnk", "lnk"),
        ("run.sh", "sh"),
        ("script.JS", "js"),
        ("disk.iso", "iso"),
        ("report.pdf", None),
        ("exe", None),
        ("letter.exe.pdf", None),
        ("photo.jpeg", None),
        ("archive.zip", None),
        ("table.csv", None),
        ("", None),
    ],
)
def test_names_tell_kinds(name: str, kind: str | None) -> None:
    assert blocked_kind(name, "application/octet-stream", b"text") == kind


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"MZ\x90\0", "exe"),
        (b"\x7fELF\2", "elf"),
        (b"\xcf\xfa\xed\xfe\7", "macho"),
        (b"\xca\xfe\xba\xbe\0", "class"),
        (b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0", "lnk"),
        (b"#!/bin/sh\n", "sh"),
        (b"MSCF\0\0\0\0", "cab"),
        (b"\0" * 0x8001 + b"CD001", "iso"),
        (b"x" * 1000 + b"koly" + b"\0" * 508, "dmg"),
        (COMPOUND + b"\0" * 100 + b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0F", "msi"),
        (COMPOUND + b"\0" * 100 + "_VBA_PROJECT".encode("utf-16-le"), "docm"),
        (COMPOUND + b"\0" * 100, None),
        (zipped("a.txt", "dir/b.exe"), "exe"),
        (zipped("word/document.xml", "word/vbaProject.bin"), "docm"),
        (zipped("word/document.xml", "word/media/image1.png"), None),
        (zipped("META-INF/MANIFEST.MF", "Main.class"), "class"),
        (tarred("a.txt", "b.exe"), "exe"),
        (tarred("a.txt"), None),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_contents_tell_kinds_under_any_name(content: bytes, kind: str | None) -> None:
    assert blocked_kind("a.dat", "application/octet-stream", content) == kind


def test_declared_types_tell_kinds() -> None:
    assert blocked_kind("a", "application/x-msdownload", b"") == "exe"
    assert blocked_kind("a", "application/pdf", b"") is None


def test_the_operator_chooses_the_kinds() -> None:
    assert blocked_kind("a.exe", "x/y", b"MZ", frozenset()) is None
    assert blocked_kind("a.exe", "x/y", b"MZ", frozenset(("pdf",))) is None
    assert blocked_kind("a.PDF", "x/y", b"", frozenset(("pdf",))) == "pdf"
    assert blocked_kind("a.7z", "x/y", b"", frozenset(("7z", "rar"))) == "7z"


def test_an_archive_that_nobody_looks_through_is_refused() -> None:
    assert blocked_kind("a.zip", "x/y", (b"PK\x03\x04" + bytes(26)) * 30_000) == "archive"


def test_kinds_are_extensions_in_lower_case() -> None:
    assert {"exe", "js", "vbs", "scr", "lnk", "iso"} <= REFUSED_KINDS
    assert all(one == one.lower() and "." not in one for one in REFUSED_KINDS)
    assert not {"pdf", "png", "zip", "docx", "txt", "html", "csv", "ics"} & REFUSED_KINDS


@given(st.text(), st.text(), st.binary())
def test_anything_is_judged(name: str, content_type: str, content: bytes) -> None:
    assert blocked_kind(name, content_type, content) in REFUSED_KINDS | {None}
