"""Names within archives."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempmail.mail.archives import MAX_NAMES, TooManyNames, names

LONG = "d/" * 80 + "long.exe"


def zipped(*members: str, content: bytes = b"x" * 100) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in members:
            archive.writestr(one, content)
    return out.getvalue()


def tarred(*members: str, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for one in members:
            archive.addfile(tarfile.TarInfo(one))
    return out.getvalue()


def test_a_zip_tells_its_names() -> None:
    assert set(names(zipped("a.txt", "dir/é.exe"))) == {"a.txt", "dir/é.exe"}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_tar_tells_its_names(form: int) -> None:
    found = names(tarred("a.txt", "b.exe", form=form))
    assert {"a.txt", "b.exe"} <= set(found)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_tar_tells_long_names(form: int) -> None:
    assert LONG in names(tarred(LONG, form=form))


def test_neither_table_of_a_zip_hides_a_name_from_the_other() -> None:
    whole = zipped("a.exe")
    central = whole.index(b"PK\x01\x02")
    only_central = whole[:central].replace(b"a.exe", b"a.txt") + whole[central:]
    only_local = whole[:central] + whole[central:].replace(b"a.exe", b"a.txt")
    assert "a.exe" in names(only_central)
    assert "a.exe" in names(only_local)
    assert "a.exe" in names(whole[:central])
    assert "a.exe" in names(b"MZ stub" + whole)


def test_a_header_within_a_header_is_seen() -> None:
    assert "a.exe" in names(b"PK\x03\x04PK" + zipped("a.exe"))


def test_what_is_no_archive_has_no_names() -> None:
    assert names(b"PDF") == names(b"") == names(b"PK") == names(b"PK\x03\x04") == []


@pytest.mark.alone
def test_nobody_looks_through_too_many_names() -> None:
    started = time.process_time()
    for content in (b"PK\x03\x04" + bytes(26), b"\0" * 257 + b"ustar" + bytes(250)):
        with pytest.raises(TooManyNames):
            names(content * (MAX_NAMES + 1))
    assert time.process_time() - started < 1


@given(st.binary(), st.sampled_from([b"PK\x03\x04", b"PK\x01\x02", b"\0" * 257 + b"ustar"]))
def test_any_bytes_give_names(content: bytes, beginning: bytes) -> None:
    assert all(isinstance(one, str) for one in names(beginning + content))
