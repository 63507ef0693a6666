from tests.browser.test_documents import *
def test_l(running, listener, tmp_path):
    html = f'<a href="http://127.0.0.1:{listener.port}/go">http://bank.test</a>'
    (url,) = delivered(running, [b"Content-Type: text/html\r\n\r\n" + html.encode()])
    with chromium(tmp_path / "net.json") as browser:
        tab = Tab(browser.new_page(), origin(running))
        tab.page.context.on("page", lambda p: print("PAGE", p.url))
        tab.show(url)
        print(tab.frame.content()[-400:])
        tab.frame.hover("a")
        tab.frame.click("a")
        tab.page.wait_for_timeout(1000)
        print(listener.heard, tab.windows, tab.said, tab.asked, tab.blocked, tab.page.context.pages)
    assert 0
