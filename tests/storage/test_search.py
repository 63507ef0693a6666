from __future__ import annotations

from typing import Any

from attrs import evolve

from tempmail.model.errors import NotFound
from tempmail.model.message import Summary, View
from tests.storage.case import VIEW, MailboxCase, owner


class SearchTests(MailboxCase):
    """What is found in one mailbox, whose messages have these views."""

    async def keep(self, *views: View | None, name: str = "box") -> None:
        """Deliver a mail for each view; None stays unparsed."""
        for view in views:
            await self.deliver(name)
            if view is not None:
                (newest,) = (
                    await self.messages.newest(
                        f"{name}@example.test", owner(name), limit=1, before=None, unread=False
                    )
                ).messages
                await self.messages.keep_view(newest, view)

    async def found(self, words: str, name: str = "box") -> list[int]:
        page = await self.messages.newest(
            f"{name}@example.test", owner(name), limit=50, before=None, unread=False, words=words
        )
        return [one.seq for one in page.messages]

    async def test_words_are_found_in_subject_sender_and_text(self) -> None:
        await self.create()
        await self.keep(
            evolve(VIEW, subject="Welcome aboard"),
            evolve(VIEW, from_address="orders@shop.test"),
            evolve(VIEW, from_name="Zoë Müller"),
            evolve(VIEW, body_text="the code is 4711"),
        )
        for words, seqs in [
            ("aboard", [1]),
            ("WELCOME", [1]),
            ("orders@shop.test", [2]),
            ("shop", [2]),
            ("orders", [2]),
            ("müller", [3]),
            ("4711", [4]),
            ("code is", [4]),
            ("the aboard", []),
        ]:
            self.assertEqual(await self.found(words), seqs, words)

    async def test_the_last_word_may_be_the_beginning_of_one(self) -> None:
        await self.create()
        await self.keep(evolve(VIEW, body_text="confirmation of payment"))
        for words in ["confirm", "payment confirm", "of pay"]:
            self.assertEqual(await self.found(words), [1], words)
        for words in ["pay confirmation", '"confirm"', "confirm ", "firmation"]:
            self.assertEqual(await self.found(words), [], words)

    async def test_a_hyphen_joins_no_words(self) -> None:
        await self.create()
        await self.keep(
            evolve(VIEW, body_text="Your code: 815-4711", from_address="ann@my-shop.test")
        )
        for words in ["4711", "815-4711", "815 4711", '"815-4711"', "ann@my-shop.test", "shop"]:
            self.assertEqual(await self.found(words), [1], words)
        self.assertEqual(await self.found("code -4711"), [])

    async def test_words_can_be_joined_excluded_and_quoted(self) -> None:
        await self.create()
        await self.keep(
            evolve(VIEW, body_text="red green"), evolve(VIEW, body_text="green blue red")
        )
        for words, seqs in [
            ("red green", [2, 1]),
            ('"red green"', [1]),
            ("red -blue", [1]),
            ("red -blu", [2, 1]),
            ("blue or nothing", [2]),
        ]:
            self.assertEqual(await self.found(words), seqs, words)

    async def test_html_is_searched_where_there_is_no_text_and_its_tags_are_no_words(self) -> None:
        await self.create()
        html = '<table class="mauve"><td>Your <b>order</b></table>'
        await self.keep(evolve(VIEW, body_text="", body_html=html))
        self.assertEqual(await self.found("your order"), [1])
        for words in ["table", "mauve", "class"]:
            self.assertEqual(await self.found(words), [], words)

    async def test_of_what_is_not_parsed_yet_subject_and_sender_are_known(self) -> None:
        await self.create()
        await self.keep(None)
        self.assertEqual(await self.found("hello ann@sender.test"), [1])
        self.assertEqual(await self.found("4711"), [])

    async def test_nonsense_finds_nothing_and_harms_nothing(self) -> None:
        await self.create()
        await self.keep(VIEW)
        for words in [
            "...", '"', "'", "' or 1=1 --", "a' & ('b", "!!", "-", "<->", "zz:*", ":*", "(", "\\",
            "%s %(edge)s", "or or", "\ufffd", "\u202e", "🎉",
        ]:  # fmt: skip
            self.assertEqual(await self.found(words), [], words)

    async def test_another_mailbox_is_not_searched(self) -> None:
        await self.create()
        await self.create("other", client="192.0.2.2")
        await self.keep(VIEW, name="other")
        self.assertEqual(await self.found("text", "other"), [1])
        self.assertEqual(await self.found("text"), [])
        asking = self.messages.newest(
            "other@example.test", owner("box"), limit=1, before=None, unread=False, words="text"
        )
        with self.assertRaises(NotFound):
            await asking

    async def test_what_is_found_comes_in_pages(self) -> None:
        await self.create()
        await self.keep(*[VIEW, evolve(VIEW, body_text="other")] * 3)
        ask: dict[str, Any] = {
            "address": "box@example.test",
            "owner": owner("box"),
            "unread": False,
        }
        newest: list[Summary] = []
        edge = None
        for _ in range(3):
            page = await self.messages.newest(**ask, limit=1, before=edge, words="text")
            newest += page.messages
            edge = page.cursor
        self.assertEqual([one.seq for one in newest], [5, 3, 1])
        self.assertIsNone(edge)
        page = await self.messages.since(**ask, limit=1, after=1, words="text")
        self.assertEqual(([one.seq for one in page.messages], page.cursor), ([3], 3))

    async def test_a_text_too_long_for_the_search_is_found_by_its_beginning(self) -> None:
        await self.create()
        words = " ".join(f"word{number}" for number in range(200_000))
        await self.keep(evolve(VIEW, body_text=words), evolve(VIEW, body_text="😀" * 500_000))
        self.assertEqual(await self.found("word17 word4711"), [1])
        self.assertEqual(await self.found("word199999"), [])


class UnseenTests(MailboxCase):
    """What core asks of a mailbox whose owner it knows, and of views that are missing."""

    async def test_a_message_is_fetched_with_its_raw_bytes_while_it_has_no_view(self) -> None:
        mailbox = await self.create()
        for raw in [b"Subject: x\r\n\r\nsmall\r\n", b"Subject: x\r\n\r\n" + b"large\r\n" * 20_000]:
            placement = await self.deliver(raw=raw)
            assert placement.message_id is not None
            message, found = await self.messages.fetch(mailbox.id, placement.message_id, 7)
            self.assertEqual((message.view, found), (None, raw))
            await self.messages.keep_view(message.summary, VIEW)
            message, found = await self.messages.fetch(mailbox.id, placement.message_id, 7)
            self.assertEqual((message.view, found), (VIEW, None))
            self.assertFalse(message.summary.is_read)
            message, found = await self.messages.fetch(mailbox.id, placement.message_id, 8)
            self.assertEqual((message.view, found), (VIEW, raw))

    async def test_nothing_is_fetched_from_a_mailbox_that_has_ended(self) -> None:
        mailbox = await self.create()
        placement = await self.deliver()
        assert placement.message_id is not None
        self.expire()
        with self.assertRaises(NotFound):
            await self.messages.fetch(mailbox.id, placement.message_id, 7)

    async def test_those_without_a_fresh_view_are_known(self) -> None:
        await self.create()
        for _ in range(3):
            await self.deliver()
        ask: dict[str, Any] = {"address": "box@example.test", "owner": owner("box"), "limit": 2}
        unparsed = await self.messages.unparsed(**ask, version=7)
        self.assertEqual([one.seq for one in unparsed], [3, 2])
        await self.messages.keep_view(unparsed[0], VIEW)
        unparsed = await self.messages.unparsed(**ask, version=7)
        self.assertEqual([one.seq for one in unparsed], [2, 1])
        unparsed = await self.messages.unparsed(**ask, version=8)
        self.assertEqual([one.seq for one in unparsed], [3, 2])
