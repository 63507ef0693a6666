"""Safe documents over HTTP: who may open them, for how long, and under which policy."""

from __future__ import annotations

from attrs import evolve
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import TestCase

from tempmail.core.signing import LIFE_SECONDS
from tempmail.http.logged import logged
from tests.http.service import Reply, Service, replies, request_bytes

GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"


class DocumentCase(TestCase):
    def setUp(self) -> None:
        self.service = Service()
        self.url, self.token = self.service.mailbox("ann")
        self.which = self.service.storage.arrive("ann@mail.test", b"hi")
        self.message = f"{self.url}/messages/{self.which}"

    def call(self, target: str, token: str | None = None) -> Reply:
        return self.service.call("GET", target, token=token)

    def signed(self) -> str:
        url: str = self.call(self.message, self.token).json["html_url"]
        return url

    def refused(self, reply: Reply, status: int, code: str) -> None:
        self.assertEqual((reply.status, reply.json["code"]), (status, code), reply)

    def policy(self, reply: Reply) -> dict[str, str]:
        parts = reply.headers["content-security-policy"].split("; ")
        return {name: rest for name, _, rest in (part.partition(" ") for part in parts)}


class Opening(DocumentCase):
    def test_the_address_in_a_message_opens_its_document_without_a_credential(self) -> None:
        reply = self.call(self.signed())
        self.assertEqual(
            (reply.status, reply.headers["content-type"]), (200, "text/html; charset=utf-8")
        )
        self.assertIn(b"<p>hi</p>|hi|", reply.body)

    def test_the_owner_opens_it_with_a_credential(self) -> None:
        for which in (self.which, "latest"):
            reply = self.call(f"{self.url}/messages/{which}/html", self.token)
            self.assertEqual((reply.status, b"<p>hi</p>" in reply.body), (200, True))

    def test_nobody_else_does(self) -> None:
        _, other = self.service.mailbox("bob")
        self.refused(self.call(f"{self.message}/html", other), 404, "not_found")
        self.refused(self.call(f"{self.message}/html"), 401, "unauthenticated")

    def test_its_time_ends(self) -> None:
        url = self.signed()
        self.service.clock.advance(LIFE_SECONDS)
        self.refused(self.call(url), 404, "not_found")
        self.refused(self.call(f"{url}/images/0"), 404, "not_found")
        self.assertEqual(self.call(self.signed()).status, 200)

    def test_it_ends_with_the_message_and_with_the_mailbox(self) -> None:
        for gone in (self.message, self.url):
            url = self.signed()
            self.assertEqual(self.service.call("DELETE", gone, token=self.token).status, 204)
            self.refused(self.call(url), 404, "not_found")
            self.refused(self.call(f"{url}/images/0"), 404, "not_found")
            if gone == self.message:
                self.which = self.service.storage.arrive("ann@mail.test", b"hi")
                self.message = f"{self.url}/messages/{self.which}"

    def test_what_was_made_up_opens_nothing(self) -> None:
        for token in ("x", "A" * 86, "%C3%A9" * 10, self.signed()[3:-1] + "."):
            self.refused(self.call(f"/m/{token}"), 404, "not_found")

    def test_parts_are_named_by_where_they_are_served(self) -> None:
        url = self.signed()
        (stored,) = self.service.storage.boxes["ann@mail.test"].messages
        view = stored.message.view
        assert view is not None
        logo = evolve(view.attachments[0], index=1, content_id="logo@sender.test")
        view = evolve(view, attachments=(*view.attachments, logo))
        stored.message = evolve(stored.message, view=view)
        expected = {"logo@sender.test": f"{url}/images/1"}
        self.assertIn(repr(expected).encode(), self.call(url).body)

    def test_unknown_parameters_are_refused(self) -> None:
        self.refused(self.call(f"{self.signed()}?image=1"), 422, "invalid")

    def test_a_signature_is_never_logged(self) -> None:
        events: list[object] = []
        observer: ILogObserver = events.append  # type: ignore[assignment]  # any callable
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        url = self.signed()
        self.call(f"{url}?images=1")
        self.call(f"{url}/images/0")
        self.assertNotIn(url.rpartition("/")[2], repr(events))
        self.assertIn("/m/-/images/0", repr(events))

    def test_other_paths_are_logged_as_they_are(self) -> None:
        self.assertEqual(logged(b"/api/m/x?y"), "/api/m/x")
        self.assertEqual(logged(b"/m"), "/m")


class Policy(DocumentCase):
    def test_a_document_loads_nothing_remote_and_runs_nothing(self) -> None:
        for reply in (
            self.call(self.signed()),
            self.call(f"{self.message}/html", self.token),
            self.call(f"{self.signed()}?images=0"),
        ):
            policy = self.policy(reply)
            self.assertEqual(policy["default-src"], "'none'")
            self.assertEqual(policy["img-src"], "'self' data:")
            self.assertEqual(policy["base-uri"], "'none'")
            self.assertEqual(policy["form-action"], "'none'")
            self.assertEqual(policy["frame-ancestors"], "'self'")
            self.assertEqual(policy["sandbox"], "allow-popups allow-popups-to-escape-sandbox")
            self.assertFalse([name for name in policy if name.startswith("script")])

    def test_remote_images_are_let_in_over_https_where_the_reader_says_so(self) -> None:
        for asked in ("images=1", "images=true"):
            policy = self.policy(self.call(f"{self.signed()}?{asked}"))
            self.assertEqual(policy["img-src"], "'self' data: https:")
            self.assertEqual(policy["default-src"], "'none'")

    def test_a_document_may_be_framed_by_our_own_page_and_tells_nobody_of_it(self) -> None:
        headers = self.call(self.signed()).headers
        self.assertEqual(headers["x-frame-options"], "SAMEORIGIN")
        self.assertEqual(headers["referrer-policy"], "no-referrer")
        self.assertEqual(headers["cross-origin-opener-policy"], "unsafe-none")
        self.assertEqual(headers["x-dns-prefetch-control"], "off")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["cache-control"], "no-store")


class Images(DocumentCase):
    def test_an_image_is_served_as_what_it_is(self) -> None:
        self.service.renderer.attachment = GIF
        reply = self.call(f"{self.signed()}/images/0")
        self.assertEqual((reply.status, reply.body), (200, GIF))
        self.assertEqual(reply.headers["content-type"], "image/gif")
        self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
        self.assertEqual(reply.headers["cross-origin-resource-policy"], "cross-origin")
        self.assertEqual(self.policy(reply)["default-src"], "'none'")

    def test_what_is_no_raster_image_is_not_there(self) -> None:
        for content in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"", b"%PDF-1"):
            self.service.renderer.attachment = content
            self.refused(self.call(f"{self.signed()}/images/0"), 404, "not_found")

    def test_other_indexes_are_not_there(self) -> None:
        for index in ("1", "-1", "01", "x", "0x0", "9999999999", "%D9%A1"):
            self.refused(self.call(f"{self.signed()}/images/{index}"), 404, "not_found")

    def test_few_messages_are_held_at_a_time(self) -> None:
        url = self.signed()
        self.service.storage.gate.close()
        waiting = [self.service.connect() for _ in range(20)]
        for one in waiting:
            one.send(request_bytes("GET", f"{url}/images/0"))
        self.assertEqual(self.service.storage.gate.waiting, 2)
        for one in waiting[:10]:
            one.leave()
        self.service.storage.gate.open()
        for one in waiting[10:]:
            self.assertEqual(replies(one.received(), "GET")[0].status, 200)
