"""Where a base is fetched from, on this machine: a hub, an index of wheels, a table of names."""

import hashlib
import http.server
import json
import threading
import zipfile
from contextlib import contextmanager

from ext_models.language.base_models import catalogue

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers with ranges; cuts a body off after so many bytes while told to."""

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def log_message(self, *_):
        pass

    def _answer(self, body):
        site = self.server.site
        site.asked.append((self.command, self.path, self.headers.get("Range")))
        found = site.find(self.path.partition("?")[0])
        if found is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content, headers = found
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        self.send_response(206 if start else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        part = content[start:]
        self.send_header("Content-Length", str(len(part)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        broken = site.cut and self.path.endswith(site.broken)
        if body and site.stalls and self.path.endswith(site.stalls) and not start:
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            site.half_sent.set()
            site.goes_on.wait()
            self.close_connection = True
        elif body:
            # What is asked for again does not come either.
            self.wfile.write(part[: 0 if start else site.cut] if broken else part)
        if broken:
            self.close_connection = True


class Site:
    """Files by address.

    Attributes:
        cut: bytes after which a body breaks off; 0: never.
        broken: end of the addresses whose bodies do.
        stalls: end of the addresses whose bodies stop in the middle, until ``goes_on``.
        half_sent: set when one has.
        asked: method, address and range of every request.
    """

    def __init__(self):
        self.files, self.asked, self.address = {}, [], ""
        self.broken, self.cut, self.stalls = "", 0, ""
        self.half_sent, self.goes_on = threading.Event(), threading.Event()

    def find(self, path):
        return self.files.get(path)

    def ranges(self, ending):
        """The ranges that were asked of addresses with an ending."""
        return [r for method, path, r in self.asked if method == "GET" and path.endswith(ending)]

    def add_to_hub(self, base_id, folder, card=None):
        """Have the site hold a folder as a repository of the hub."""
        siblings = []
        for path in sorted(p for p in folder.iterdir() if p.is_file()):
            body = path.read_bytes()
            sha, blob = _hashes(body)
            large = {"lfs": {"sha256": sha, "size": len(body), "pointerSize": 134}}
            siblings.append(
                {"rfilename": path.name, "size": len(body), "blobId": blob}
                | (large if path.suffix == ".safetensors" else {})
            )
            headers = {
                "ETag": f'"{sha}"', "X-Repo-Commit": COMMIT, "Content-Type": "application/x",
                "X-Linked-Size": str(len(body)), "Accept-Ranges": "bytes",
            }  # fmt: skip
            self.files[f"/{base_id}/resolve/{COMMIT}/{path.name}"] = (body, headers)
        info = {"id": base_id, "sha": COMMIT, "siblings": siblings, "cardData": card or {}}
        for address in ("", f"/revision/{COMMIT}", "/revision/main"):
            page = (json.dumps(info).encode(), {"Content-Type": "application/json"})
            self.files[f"/api/models/{base_id}{address}"] = page

    def add_wheel(self, path):
        """Have the site hold a wheel on an index."""
        name = path.name.split("-")[0].replace("_", "-")
        page = (
            f'<!DOCTYPE html><html><body><a href="/files/{path.name}">{path.name}</a></body></html>'
        )
        self.files[f"/simple/{name}/"] = (page.encode(), {"Content-Type": "text/html"})
        self.files[f"/files/{path.name}"] = (path.read_bytes(), {"Content-Type": "application/zip"})


def _hashes(body):
    blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
    return hashlib.sha256(body).hexdigest(), blob


@contextmanager
def serving():
    """A site on this machine."""
    site = Site()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.site, site.address = site, f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield site
    finally:
        site.goes_on.set()
        server.shutdown()
        server.server_close()


def write_wheel(folder, content, inside="tiny_base"):
    """A wheel that holds a folder."""
    path = folder / "tiny_base-0.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(content.iterdir()):
            archive.write(file, f"{inside}/{file.name}")
        archive.writestr("tiny_base-0.1.dist-info/METADATA", "Name: tiny-base\nVersion: 0.1\n")
        archive.writestr("tiny_base-0.1.dist-info/licenses/LICENSE", "Apache License")
    return path


def wheel_table(path, **more):
    """The TOML table of a wheel."""
    values = {
        "name": "tiny-base",
        "version": "0.1",
        "sha256": _hashes(path.read_bytes())[0],
        "bytes": path.stat().st_size,
        "folder": "tiny_base",
    } | more
    return "[bases.wheel]\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in values.items())


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def know(monkeypatch, folder, *tables):
    """Have the product know these bases alone."""
    path = folder / "known_bases.toml"
    path.write_text("\n".join(f"[[bases]]\n{table}" for table in tables), encoding="utf-8")
    monkeypatch.setattr(catalogue, "FILE", path)
    catalogue.known_bases.cache_clear()
