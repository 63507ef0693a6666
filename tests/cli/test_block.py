"""``tempmail block`` as an operator types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tempmail.cli.main import main
from tempmail.core.ports import Block
from tempmail.storage.blocks import exchange
from tempmail.storage.connection import connect

ANN, BOB = "192.0.2.1", "2001:db8::/64"


@pytest.fixture(autouse=True)
def _no_variables_of_the_tester(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEMPMAIL_DATABASE", "TEMPMAIL_DATA_DIR", "TEMPMAIL_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def blocked(dsn: str) -> str:
    """A database in which two are blocked and one no longer is."""
    connection = connect(dsn)
    with connection, connection.cursor() as cursor:
        exchange(
            cursor,
            [
                Block(ANN, "errors", 3, 1799),
                Block(BOB, "limits", 1, 59.9),
                Block("192.0.2.3", "errors", 1, -60),
            ],
        )
    connection.close()
    return dsn


def test_ls_shows_who_is_blocked_for_how_long_and_why(
    blocked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["block", "ls", "--database", blocked]) == 0
    assert capsys.readouterr().out == (
        "CLIENT         ENDS IN  LEVEL  REASON\n"
        "2001:db8::/64  60 s     1      limits\n"
        "192.0.2.1      30 min   3      errors\n"
    )


@pytest.mark.parametrize("client", [ANN, f"::ffff:{ANN}"])
def test_lift_ends_the_block_of_one_client(
    blocked: str, client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--database", blocked, "block", "lift", client]) == 0
    assert capsys.readouterr().out == f"LIFTED   \n{ANN}\n"
    main(["--database", blocked, "block", "list"])
    out = capsys.readouterr().out
    assert BOB in out
    assert ANN not in out


@pytest.mark.parametrize("client", ["2001:db8::1:2:3", BOB])
def test_any_address_of_a_64_and_what_ls_shows_lift_the_64(
    blocked: str, client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["block", "lift", client, "--database", blocked]) == 0
    assert capsys.readouterr().out == f"LIFTED       \n{BOB}\n"


def test_lift_all_ends_every_block(blocked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["block", "lift", "all", "--database", blocked]) == 0
    assert capsys.readouterr().out == f"LIFTED       \n{ANN}    \n{BOB}\n"
    assert main(["block", "ls", "--database", blocked]) == 0
    assert capsys.readouterr() == ("", "nobody is blocked\n")


@pytest.mark.parametrize(
    ("client", "status", "said"),
    [
        ("192.0.2.9", 3, "192.0.2.9 is not blocked"),
        ("192.0.2.3", 3, "192.0.2.3 is not blocked"),
        ("ann", 2, "'ann' is no IP address; say one, or `all`"),
        ("2001:db8::/48", 2, "'2001:db8::/48' is no client; 2001:db8::/64 is one"),
        ("192.0.2.1/24", 2, "'192.0.2.1/24' is no client; 192.0.2.1 is one"),
    ],
)
def test_what_cannot_be_lifted_is_said_in_one_line(
    blocked: str, client: str, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["block", "lift", client, "--database", blocked]) == status
    assert capsys.readouterr().err == f"tempmail: {said}\n"


def test_the_variable_and_the_file_say_where_storage_is_as_for_the_daemon(
    blocked: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "tempmail.toml"
    # What only the daemon can read, or must be right for it, does not stop the operator.
    config.write_text(f'database = "{blocked}"\ntls-key = "/closed"\nenvironment = "prod"\n')
    assert main(["block", "ls", "--config", str(config)]) == 0
    assert ANN in capsys.readouterr().out
    monkeypatch.setenv("TEMPMAIL_DATABASE", blocked)
    assert main(["block", "ls"]) == 0
    assert ANN in capsys.readouterr().out


def test_where_no_daemon_runs_it_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["block", "ls", "--data-dir", str(tmp_path)]) == 69
    assert capsys.readouterr().err == (
        f"tempmail: no daemon can be reached in the data directory {tmp_path}: start it, or "
        "name its --data-dir or --database\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_our_tables_is_refused_in_one_line(
    blocked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = connect(blocked)
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE blocks")
    connection.close()
    assert main(["block", "ls", "--database", blocked]) == 69
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tempmail: the database refused: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--help"], ["block", "list", "--help"], ["block", "lift", "-h"]]
)
def test_help_says_what_is_there(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert "--data-dir" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["block"], ["block", "lift"], ["mend"]])
def test_half_a_command_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "tempmail" in capsys.readouterr().err
