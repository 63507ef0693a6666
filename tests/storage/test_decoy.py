"""Mail that nobody gets is written and deleted like mail that somebody does, and never seen."""

from __future__ import annotations

from tests.storage.case import StorageCase, envelope, make_mailbox, verdicts


class DecoyTest(StorageCase):
    def setUp(self) -> None:
        super().setUp()
        self.ingest = self.make_ingest()

    def written(self) -> int:
        """Rows inserted into messages so far, by this database's own count."""
        self.query("SELECT pg_stat_clear_snapshot()")
        ((count,),) = self.query(
            "SELECT coalesce(sum(n_tup_ins), 0)::int FROM pg_stat_user_tables"
            " WHERE relname LIKE 'messages_%%'"
        )
        return int(count)

    async def test_what_nobody_gets_is_written_and_leaves_no_row(self) -> None:
        before = self.query("SELECT pg_current_wal_insert_lsn()")[0][0]
        outcome = await self.ingest.store(envelope("nobody", "else", raw=b"x" * 50_000))
        assert verdicts(outcome) == ["unknown", "unknown"]
        assert self.query("SELECT count(*) FROM messages") == [(0,)]
        ((wal,),) = self.query("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", before)
        assert wal > 1000, "it was not written at all"
        await self.until(lambda: self.written() == 2)

    async def test_where_one_gets_it_the_others_need_no_decoy(self) -> None:
        make_mailbox(self.connection, "box")
        assert verdicts(await self.ingest.store(envelope("nobody", "box"))) == ["unknown", "stored"]
        await self.until(lambda: self.written() == 1)

    async def test_a_new_connection_prepares_it_anew(self) -> None:
        await self.ingest.store(envelope("nobody"))
        self.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        await self.assertFailure(self.ingest.store(envelope("nobody")), Exception)
        assert verdicts(await self.ingest.store(envelope("nobody"))) == ["unknown"]

    async def test_without_its_partition_mail_is_dropped_all_the_same(self) -> None:
        await self.ingest.store(envelope("nobody"))
        self.query(
            "DO $$ DECLARE part text; BEGIN FOR part IN SELECT relname FROM pg_class"
            " WHERE relkind = 'r' AND relname ~ '^messages_[0-9]{10}$' LOOP"
            " EXECUTE format('DROP TABLE %%I', part); END LOOP; END $$"
        )
        assert verdicts(await self.ingest.store(envelope("nobody"))) == ["unknown"]
        assert verdicts(await self.ingest.store(envelope("nobody"))) == ["unknown"]
