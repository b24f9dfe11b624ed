"""After-photos: refused before a pixel is decoded, stripped of what they say, kept under their hash."""

import hashlib
import io
import zlib
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fire_lane import Spot
from PIL import ExifTags, Image

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.lake import download
from citybrain.settings import Settings


def picture(form: str = "JPEG", size: tuple[int, int] = (640, 480), **options: Any) -> bytes:
    content = io.BytesIO()
    Image.effect_noise(size, 40).convert("RGB").save(content, form, **options)
    return content.getvalue()


def with_exif(offset: str | None) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Secret Phone"
    exif[ExifTags.Base.Orientation] = 6  # lies on its side
    own = exif.get_ifd(ExifTags.IFD.Exif)
    own[ExifTags.Base.DateTimeOriginal] = "2026:11:24 09:30:00"
    if offset:
        own[ExifTags.Base.OffsetTimeOriginal] = offset
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (115.0, 46.0, 48.0)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (33.0, 51.0, 0.0)
    return picture(exif=exif)


def bomb(width: int = 16_000, height: int = 16_000) -> bytes:
    """A PNG whose header tells of a gigabyte of pixels that are not there."""
    content = bytearray(picture("PNG", (300, 300)))
    content[16:24] = width.to_bytes(4) + height.to_bytes(4)
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a picture at all\n" * 50, "不是照片"),
        (b"", "不是照片"),
        (picture("GIF"), "不是照片"),
        (picture()[:4000], "不完整"),
        (picture("PNG")[:9000], "不完整"),
        (bomb(), "5000 万"),
        (bomb(8_000, 7_000), "5000 万"),
        (picture(size=(120, 480)), "太小"),
    ],
)
def test_what_is_no_usable_photo_is_refused(desk: Settings, content: bytes, says: str) -> None:
    from citybrain.events.photos import PhotoRefusedError, judge

    with pytest.raises(PhotoRefusedError, match=says):
        judge(io.BytesIO(content))


def test_a_file_over_the_limit_is_refused(desk: Settings) -> None:
    from citybrain.events.photos import MOST_BYTES, PhotoRefusedError, judge

    with pytest.raises(PhotoRefusedError, match="20 MB"):
        judge(io.BytesIO(picture() + b"\0" * MOST_BYTES))


@pytest.mark.parametrize("offset", [None, "+08:00"])
def test_what_a_photo_says_moves_into_columns(desk: Settings, offset: str | None) -> None:
    from citybrain.events.photos import judge

    photo = judge(io.BytesIO(with_exif(offset)))
    assert photo.taken_at == datetime(2026, 11, 24, 9, 30, tzinfo=SHANGHAI)
    assert (photo.lon, photo.lat) == (Decimal("115.780000"), Decimal("33.850000"))
    assert (photo.width, photo.height) == (480, 640)  # upright
    assert b"Secret Phone" not in photo.content
    with Image.open(io.BytesIO(photo.content)) as stored:
        assert not stored.getexif()
    assert hashlib.sha256(photo.content).hexdigest() == photo.sha256


def test_the_handlers_photo_is_kept_once_and_by_nobody_else(
    spot: Spot,
    people: Callable[[str], Any],
    asked_by: Callable[[Any], Any],
    tmp_path: Path,
) -> None:
    from citybrain.events.acting import CaseRefusedError, apply
    from citybrain.events.intake import take_in
    from citybrain.events.models import Evidence
    from citybrain.events.photos import PhotoRefusedError, add_photo

    spot.send()
    take_in()
    case, company, content = spot.case(), people("property"), picture()
    with asked_by(company), pytest.raises(PhotoRefusedError, match="待接单"):
        add_photo(case, io.BytesIO(content), Evidence.Kind.AFTER, company)
    with asked_by(company):
        case = apply(case, "accept", company)
    with asked_by(company), pytest.raises(CaseRefusedError, match="现场照片"):
        apply(case, "handle", company)
    with asked_by(people("dispatcher")), pytest.raises(PhotoRefusedError, match="不由您"):
        add_photo(case, io.BytesIO(content), Evidence.Kind.AFTER, people("dispatcher"))
    with asked_by(company):
        first = add_photo(case, io.BytesIO(content), Evidence.Kind.AFTER, company)
        again = add_photo(case, io.BytesIO(content), Evidence.Kind.AFTER, company)
        assert first.pk == again.pk
        assert apply(case, "handle", company).state == "checking"
    download(spot.settings, "evidence", first.object_key, tmp_path / "kept", first.sha256)
    assert first.object_key == f"{first.sha256[:2]}/{first.sha256}.jpg"
