"""The outside world: three places that take publications, each with another memory for keys.

`/HOUSE/blog` honours the idempotency key, `/HOUSE/feed` can be asked whether a key is there,
`/HOUSE/board` does neither. What they took lies in the house's own folder, a line a request, so that
it is copied, thrown away and looked at with the house.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

ACCOUNTS = """
accounts:
  newsroom:
    title: Newsroom
    platform: website
    connector: folder
    settings: {{path: newsroom}}
    owner: smr-lead
  company-blog:
    title: Company blog
    platform: website
    connector: http
    settings:
      url: "{sink}/blog/posts"
      idempotency: true
      body: {{text: "{{{{ text }}}}"}}
      read_back_url: "{{{{ url }}}}"
      text_pointer: /text
  partner-feed:
    title: Partners' feed
    platform: website
    connector: http
    settings:
      url: "{sink}/feed/posts"
      body: {{text: "{{{{ text }}}}", reference: "{{{{ key }}}}"}}
      lookup_url: "{sink}/feed/search?reference={{{{ key }}}}"
      url_pointer: /url
  old-board:
    title: The old notice board
    platform: website
    connector: http
    settings:
      url: "{sink}/board/posts"
      body: {{text: "{{{{ text }}}}"}}
"""


@dataclass(frozen=True, slots=True)
class Post:
    """One request that a place took; `again` when it knew the key and did nothing."""

    number: int
    key: str
    body: dict[str, Any]
    again: bool


def accounts_at(url: str, house: str) -> str:
    """Return the directory's accounts for a house whose sink is at an address."""
    return ACCOUNTS.format(sink=f"{url}/{house}")


def posts(house: Path, place: str) -> list[Post]:
    """Return what a place took, in order."""
    file = house / "sink" / place
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [Post(**json.loads(line)) for line in lines]


@contextmanager
def running_sink(houses: Path) -> Iterator[str]:
    """Runs the three places on loopback; yields their address."""
    handler = type("Handler", (_Handler,), {"houses": houses})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    houses: ClassVar[Path]
    taking: ClassVar[threading.Lock] = threading.Lock()

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        house, place, _ = self.path.strip("/").split("/")
        key = self.headers["Idempotency-Key"]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.taking:
            known = posts(self.houses / house, place)
            same = [post for post in known if place == "blog" and post.key == key]
            number = same[0].number if same else len(known) + 1
            post = {"number": number, "key": key, "body": body, "again": bool(same)}
            folder = self.houses / house / "sink"
            folder.mkdir(exist_ok=True)
            with (folder / place).open("a", encoding="utf-8") as file:
                file.write(json.dumps(post) + "\n")
        self._answer(201, {"url": self._url(house, place, number)})

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        house, place, number = address.path.strip("/").split("/")
        wanted = parse_qs(address.query).get("reference", [""])[0]
        for post in posts(self.houses / house, place):
            if number == str(post.number) or (wanted and post.body.get("reference") == wanted):
                data = {"url": self._url(house, place, post.number), **post.body}
                return self._answer(200, data)
        return self._answer(404, {})

    def _url(self, house: str, place: str, number: int) -> str:
        return f"http://{self.headers['Host']}/{house}/{place}/{number}"

    def _answer(self, status: int, data: dict[str, Any]) -> None:
        content = json.dumps(data).encode()
        self.send_response(status)
        if status == 201:
            self.send_header("Location", data["url"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
