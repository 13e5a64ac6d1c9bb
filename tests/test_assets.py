"""Where weights and clips are found, and how they are downloaded: against a server of our own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from beffroi import assets
from beffroi.errors import AssetError, ModelError
from beffroi.manifest import Manifest, read_manifest, shipped

CONTENT = bytes(range(256)) * 2000


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT; the path says what goes wrong."""

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/whole")
            self.end_headers()
            return
        self.send_response(200)
        if self.path != "/endless":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        body = {
            "/cut": CONTENT[: len(CONTENT) // 2],
            "/other": b"x" * len(CONTENT),
            "/endless": CONTENT * 3,
        }.get(self.path, CONTENT)
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No assets anywhere but below the returned folder: `named`, and the cache `cache/beffroi`."""
    monkeypatch.setenv("BEFFROI_ASSETS", str(tmp_path / "named"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(assets, "__file__", str(tmp_path / "site" / "beffroi" / "assets.py"))
    return tmp_path


def manifest(address: str | None, content: bytes = CONTENT) -> Manifest:
    any_model = next(iter(shipped().values()))
    changed = {
        "name": "toy",
        "file": "models/toy.onnx",
        "address": address,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return any_model.model_copy(update=changed)


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"here")
    return path


def test_the_order_of_places(alone: Path) -> None:
    beside_work = put(alone / "shared" / "assets" / "clips" / "a.mp4")
    in_cache = put(alone / "cache" / "beffroi" / "clips" / "a.mp4")
    assert assets.locate("clips/a.mp4") == beside_work
    named = put(alone / "named" / "clips" / "a.mp4")
    assert assets.locate("clips/a.mp4") == named
    named.unlink()
    beside_work.unlink()
    assert assets.locate("clips/a.mp4") == in_cache


def test_a_clip_that_is_nowhere_says_where_it_was_looked_for(alone: Path) -> None:
    with pytest.raises(AssetError) as caught:
        assets.locate("clips/a.mp4")
    text = str(caught.value)
    for place in ("named", "shared/assets", "cache/beffroi"):
        assert str(alone / place / "clips" / "a.mp4") in text
    assert "no public address" in text
    assert "BEFFROI_ASSETS" in text


def test_a_model_that_is_not_known(alone: Path) -> None:
    with pytest.raises(AssetError, match="no such model is known; known: deimv2-atto, deimv2-femto"):
        assets.locate("models/yolo9000.onnx")
    with pytest.raises(AssetError, match="`beffroi assets fetch deimv2-femto` downloads it"):
        assets.locate("models/deimv2-femto.onnx", download=False)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "clips/../../a", ""])
def test_only_places_below_the_folder(alone: Path, name: str) -> None:
    with pytest.raises(AssetError, match="does not name an asset"):
        assets.locate(name)


def test_download_into_the_cache(alone: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = manifest(f"{server}/moved")
    monkeypatch.setattr(assets, "shipped", lambda: {"toy": toy})
    path = assets.locate("models/toy.onnx")
    assert path == alone / "cache" / "beffroi" / "models" / "toy.onnx"
    assert path.read_bytes() == CONTENT
    assert assets.locate("models/toy.onnx", download=False) == path


def test_progress_is_told(tmp_path: Path, server: str) -> None:
    steps: list[tuple[int, int]] = []
    assets.fetch(manifest(f"{server}/whole"), tmp_path, lambda done, whole: steps.append((done, whole)))
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert steps == sorted(steps)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "cannot be downloaded.*404"),
        ("cut", r"gave \d+ bytes, expected 512000|cannot be downloaded"),
        ("other", "gave another file .*expected [0-9a-f]{64}.*not kept"),
        ("endless", "gave more than 512000 bytes"),
    ],
)
def test_a_bad_download_leaves_nothing(tmp_path: Path, server: str, path: str, message: str) -> None:
    target = put(tmp_path / "models" / "toy.onnx")
    with pytest.raises(AssetError, match=message):
        assets.fetch(manifest(f"{server}/{path}"), tmp_path)
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == b"here"


def test_an_interrupted_download_leaves_nothing(tmp_path: Path, server: str) -> None:
    def interrupt(_done: int, _whole: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assets.fetch(manifest(f"{server}/whole"), tmp_path, interrupt)
    assert list((tmp_path / "models").iterdir()) == []


def test_no_server_and_no_address(tmp_path: Path) -> None:
    with pytest.raises(
        AssetError, match=r"cannot be downloaded.*on a machine without network, put the file at"
    ):
        assets.fetch(manifest("http://127.0.0.1:9/x"), tmp_path)
    with pytest.raises(AssetError, match="no public address; put the file at"):
        assets.fetch(manifest(None), tmp_path)
    with pytest.raises(AssetError, match="is not an http or https address"):
        assets.fetch(manifest("file:///etc/passwd"), tmp_path)


def test_nowhere_to_keep_it(tmp_path: Path, server: str) -> None:
    (tmp_path / "models").write_text("a file where a folder should be")
    with pytest.raises(AssetError, match="cannot be written"):
        assets.fetch(manifest(f"{server}/whole"), tmp_path)


def test_the_list_tells_whole_from_damaged(alone: Path) -> None:
    put(alone / "named" / "models" / "deimv2-femto.onnx")
    states = {asset.name: asset.state for asset in assets.known()}
    assert states == {"deimv2-atto": "absent", "deimv2-femto": "damaged", "yolox-nano": "absent"}


def test_manifests_are_complete() -> None:
    for name, each in shipped().items():
        assert each.name == name
        assert each.file == f"models/{name}.onnx"
        assert each.address is not None
        assert each.address.startswith("https://")
        assert set(each.classes) <= set(each.output.labels)
        assert len(each.output.labels) == 80


def test_a_manifest_with_mistakes_names_them_all(tmp_path: Path) -> None:
    source = Path(assets.__file__).parent / "models" / "deimv2-femto.toml"
    text = source.read_text("utf-8")
    path = tmp_path / "a.toml"
    path.write_text(text.replace("keep = 0.20", "keep = 0.90").replace('fit = "stretch"', 'fit = "squeeze"'))
    with pytest.raises(ModelError) as caught:
        read_manifest(path)
    assert "a.toml: input.fit" in str(caught.value)
    assert "a.toml: score: Value error, keep (0.9) is above sure (0.35)" in str(caught.value)
    path.write_text("name = ")
    with pytest.raises(ModelError, match=r"a\.toml: cannot be read as a model's manifest"):
        read_manifest(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_manifest(tmp_path / "none.toml")


def test_found_assets_are_the_ones_of_the_manifests() -> None:
    for asset in assets.known():
        if asset.path is None:
            pytest.skip("no weights here; set BEFFROI_ASSETS")
        assert asset.state == "ready"
