"""Pictures that cameras and phones send, and what is sent as a picture and is none."""

import io
import resource
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from citybrain.vision.pictures import MOST_PIXELS, Picture, UnusablePictureError, condition, read_picture


def yard(width: int = 960, height: int = 540, level: float = 1.0) -> Image.Image:
    """Edges of every size, as a yard has them; `level` darkens it."""
    random = np.random.default_rng(5)
    picture = Image.new("RGB", (width, height), (110, 112, 108))
    draw = ImageDraw.Draw(picture)
    for _ in range(120):
        x, y = int(random.integers(width)), int(random.integers(height))
        right, bottom = x + int(random.integers(8, 90)), y + int(random.integers(8, 60))
        draw.rectangle((x, y, right, bottom), fill=tuple(int(tone) for tone in random.integers(30, 220, 3)))
    return picture.point(lambda tone: int(tone * level))


def jpeg(picture: Image.Image, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=85, **options)
    return content.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and brings next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def reason_of(content: bytes) -> str:
    with pytest.raises(UnusablePictureError) as caught:
        read_picture(content)
    return caught.value.reason


def test_pixels_are_blue_green_red_and_upright() -> None:
    red = Image.new("RGB", (40, 20), (250, 10, 10))
    picture = read_picture(jpeg(red))
    assert (picture.width, picture.height, picture.image.shape) == (40, 20, (20, 40, 3))
    blue, _green, strong_red = picture.image[10, 20]
    assert strong_red > 200 > 60 > blue


def test_a_phones_turn_is_undone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the sensor lay on its side
    picture = read_picture(jpeg(yard(80, 40), exif=exif))
    assert (picture.width, picture.height) == (40, 80)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "LA"])
def test_every_kind_of_pixel_becomes_three_channels(mode: str) -> None:
    content = io.BytesIO()
    yard(64, 48).convert(mode).save(content, "PNG")
    assert read_picture(content.getvalue()).image.shape == (48, 64, 3)


@pytest.mark.parametrize(
    "content",
    [b"", b"camera offline\n", b"<html><body>404</body></html>", b"\xff\xd8\xff", b"GIF89a" + b"\0" * 64],
    ids=["nothing", "text", "html", "three bytes", "gif"],
)
def test_what_is_no_picture_is_named_so(content: bytes) -> None:
    assert reason_of(content) == "not_a_picture"


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_picture_that_breaks_off(share: float) -> None:
    whole = jpeg(yard())
    assert reason_of(whole[: int(len(whole) * share)]) == "truncated"


def test_a_damaged_png_breaks_off() -> None:
    assert reason_of(png_header(600, 400)) == "truncated"


@pytest.mark.parametrize(("width", "height"), [(16_000, 16_000), (65_000, 65_000), (8_000, 5_001)])
def test_a_huge_claim_is_refused(width: int, height: int) -> None:
    assert width * height > MOST_PIXELS
    assert reason_of(png_header(width, height)) == "too_large"


def test_a_huge_claim_costs_no_memory() -> None:
    """In a process that may take 400 MB in all: 16,000 x 16,000 pixels would need 768."""
    script = (
        "import resource, sys\n"
        "from citybrain.vision.pictures import UnusablePictureError, read_picture\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    read_picture(sys.stdin.buffer.read())\n"
        "except UnusablePictureError as error:\n"
        "    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    print(error.reason, after - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=png_header(16_000, 16_000), capture_output=True, check=True
    )
    reason, grown = done.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024
    assert reason == b"too_large"
    assert int(grown) * unit < 20 * 2**20 < resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def picture_of(image: Image.Image) -> Picture:
    return read_picture(jpeg(image))


def test_a_camera_that_sees() -> None:
    assert condition(picture_of(yard())) == ""
    assert condition(picture_of(yard(2560, 1440))) == ""


def test_a_night_is_not_a_broken_camera() -> None:
    assert condition(picture_of(yard(level=0.35))) == ""


def written_over(picture: Image.Image) -> Image.Image:
    """As cameras do, whatever they see: the time above, a name below."""
    draw = ImageDraw.Draw(picture)
    for place in ((16, 12), (700, 500)):
        draw.text(place, "2026-11-26 10:00:00 CAM", fill=(250, 250, 250), font=ImageFont.load_default(24))
    return picture


@pytest.mark.parametrize(("tone", "expected"), [(0, "black"), (12, "black"), (250, "white"), (255, "white")])
def test_a_camera_that_sees_nothing(tone: int, expected: str) -> None:
    noise = np.random.default_rng(3).normal(tone, 3, (540, 960, 3)).clip(0, 255).astype(np.uint8)
    assert condition(picture_of(Image.fromarray(noise))) == expected
    assert condition(picture_of(written_over(Image.fromarray(noise)))) == expected


def test_a_covered_lens_is_blurred() -> None:
    for covered in (
        yard().filter(ImageFilter.GaussianBlur(14)),
        Image.new("RGB", (960, 540), (120, 120, 120)),
    ):
        assert condition(picture_of(covered)) == "blurred"
        assert condition(picture_of(written_over(covered))) == "blurred"
