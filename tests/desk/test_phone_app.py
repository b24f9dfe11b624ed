"""The phone's pages as an app: what installing it needs, and that its worker may do nothing else."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from desk_city import City
from PIL import Image

from citybrain.bi.semantics import Tokens
from citybrain.catalogue.content_file import load_content
from citybrain.desk.look import ICON_SIDES, icon
from citybrain.settings import SOURCE_TREE

pytestmark = pytest.mark.integration
STATIC = SOURCE_TREE / "src/citybrain/desk/static"


def test_icons_wear_the_one_look() -> None:
    tokens = load_content(SOURCE_TREE / "dashboards/theme/tokens.yml", Tokens)
    for side in ICON_SIDES:
        drawn, kept = (
            Image.open(source).convert("RGB")
            for source in (io.BytesIO(icon(tokens, side)), STATIC / f"desk/icon-{side}.png")
        )
        assert kept.size == (side, side) and kept.tobytes() == drawn.tobytes()
        assert {colour for _, colour in kept.getcolors()} == {(0x14, 0x62, 0xC9), (255, 255, 255)}


def test_the_manifest_has_what_installing_needs(desk_city: City, signed_in: Callable[[Any], Any]) -> None:
    nobody = signed_in(None)
    answer = nobody.get("/phone/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    said = answer.json()
    assert said["name"] == said["short_name"] == "城市大脑" and said["display"] == "standalone"
    assert said["start_url"] == said["scope"] == said["id"] == "/phone/"
    tokens = (STATIC / "desk/tokens.css").read_text(encoding="utf-8")
    assert f"--brand: {said['theme_color']};" in tokens
    assert f"--surface: {said['background_color']};" in tokens
    drawn = {(one["sizes"], one.get("purpose", "any")) for one in said["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= drawn
    for one in said["icons"]:
        content = b"".join(nobody.get(one["src"]).streaming_content)
        if one["type"] == "image/png":
            assert "x".join(map(str, Image.open(io.BytesIO(content)).size)) == one["sizes"]
        else:
            assert content.startswith(b"<svg")
    page = signed_in(desk_city.people["property_company"]).get("/phone/").content.decode()
    assert '<link rel="manifest" href="/phone/manifest.webmanifest">' in page


def test_the_worker_keeps_public_files_alone(desk_city: City, signed_in: Callable[[Any], Any]) -> None:
    nobody, guard = signed_in(None), signed_in(desk_city.people["property_company"])
    answer = nobody.get("/phone/worker.js")
    assert answer["Content-Type"].startswith("text/javascript") and answer["Cache-Control"] == "no-cache"
    policy = set(answer["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "connect-src 'self'"} <= policy
    script = answer.content.decode()
    kept = json.loads(re.findall(r"^const SHELL = (.+);$", script, re.MULTILINE)[0])
    assert all(Path(path).suffix in (".css", ".js", ".svg") for path in kept)
    assert all(path.startswith("/static/") and nobody.get(path).status_code == 200 for path in kept)
    assert set(re.findall(r"\.(put|add|addAll)\(", script)) == {"addAll"}, "kept at installing alone"
    alike = [client.get("/phone/without-network/").content for client in (nobody, guard)]
    assert alike[0] == alike[1] and "没有网络" in alike[0].decode()
    assert "csrf" not in alike[0].decode()


@pytest.mark.parametrize(
    ("role", "first"), [("dispatcher", "/phone/find/"), ("flood_warden", "/phone/flood/")]
)
def test_the_app_starts_where_its_person_works(
    role: str, first: str, desk_city: City, signed_in: Callable[[Any], Any]
) -> None:
    client = signed_in(desk_city.people[role])
    assert client.get("/phone/").url == first
    assert client.get("/phone/", follow=True).status_code == 200
