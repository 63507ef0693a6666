def content_of(raw, index): return ("","",b"")
