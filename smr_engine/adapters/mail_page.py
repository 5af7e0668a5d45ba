"""A notice as HTML mail: the same words as the text, and one button that leads to its page."""

from __future__ import annotations

from html import escape
from string import Template

# Mail programs read no style sheets, so the styles stand in the elements; nothing is fetched.
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width"><title>$subject</title></head>
<body style="font-family:sans-serif;line-height:1.5;max-width:36em;margin:1em">
$drill<h1 style="font-size:1.2em">$subject</h1>
<p><a href="$link" style="display:inline-block;padding:.7em 1.2em;border-radius:.4em;\
background:#2b4a6f;color:#ffffff;text-decoration:none;font-weight:bold">Read and answer</a></p>
$paragraphs
<p style="font-size:.85em">The button opens the page and decides nothing.</p>
</body></html>
""")
_DRILL = (
    '<p style="background:#ffe9b8;color:#7a4b00;padding:.5em;font-weight:bold">'
    "EXERCISE. This is a drill: nothing in this message is real.</p>\n"
)


def mail_page(subject: str, text: str, link: str, *, drill: bool) -> str:
    """Return the HTML part of a notice.

    Args:
        subject: as in the header; shown as the heading.
        text: of the text part; it is shown as it is, nothing in it becomes markup or a link.
        link: where the one button leads.
        drill: marks it as an exercise.
    """
    paragraphs = (
        f'<p style="white-space:pre-line;overflow-wrap:anywhere">{escape(part.strip())}</p>'
        for part in text.encode("utf-8", "replace").decode().split("\n\n")
        if part.strip()
    )
    return _PAGE.substitute(
        subject=escape(subject),
        link=escape(link),
        drill=_DRILL if drill else "",
        paragraphs="\n".join(paragraphs),
    )
