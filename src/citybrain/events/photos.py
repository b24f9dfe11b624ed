"""A photo that a person sends: judged by its header first, stripped of all but the picture, kept.

Time and position that a camera wrote into it move into columns; the picture is encoded anew, so nothing but
its pixels is stored, under the hash of those bytes.
"""

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.utils import timezone
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from citybrain.catalogue.working_day import SHANGHAI
from citybrain.events.models import Case, Evidence, State
from citybrain.events.people import Actor
from citybrain.lake import create_object, ensure_bucket, spool, spool_folder
from citybrain.settings import get_settings

MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000
LEAST_SIDE = 200  # pixels; less shows nothing
MOST_AT_ONCE = 4  # photos of one form
FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 90
_HANDLED_IN = (State.ACCEPTED, State.HANDLING, State.REWORK)


class PhotoRefusedError(Exception):
    """The file is not taken. The text is Chinese, for the person who sent it."""


@dataclass(frozen=True)
class Photo:
    """A judged photo: JPEG bytes without EXIF, and what its EXIF said (WGS84 degrees)."""

    content: bytes
    sha256: str
    width: int
    height: int
    taken_at: datetime | None
    lon: Decimal | None
    lat: Decimal | None


def add_photo(
    case: Case,
    file: BinaryIO,
    kind: Evidence.Kind,
    actor: Actor,
    *,
    lon: Decimal | None = None,
    lat: Decimal | None = None,
) -> Evidence:
    """Store a photo of a case. `lon` and `lat` are where the phone says it is; the photo's own come second.

    The same photo sent again in the same round of handling is the same evidence. Raises PhotoRefusedError.
    """
    if kind == Evidence.Kind.AFTER:
        _may_add_after(case, actor)
    photo = judge(file)
    bucket, object_key = keep(photo)
    try:
        with transaction.atomic():
            return Evidence.objects.create(
                case=case,
                kind=kind,
                bucket=bucket,
                object_key=object_key,
                sha256=photo.sha256,
                width=photo.width,
                height=photo.height,
                taken_at=photo.taken_at,
                lon=lon if lon is not None else photo.lon,
                lat=lat if lat is not None else photo.lat,
                uploaded_by_id=actor.pk,
                added_at=timezone.now(),
            )
    except IntegrityError:
        return _sent_before(case, kind, photo)


def judge(file: BinaryIO) -> Photo:
    """A photo as it is stored. Looks at the header before a pixel is decoded. Raises PhotoRefusedError."""
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise PhotoRefusedError(f"照片超过 {MOST_BYTES // 1024 // 1024} MB，请缩小后再上传。")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _require_size(*image.size)
            exif = image.getexif()
            taken_at, (lon, lat) = _taken_at(exif), _position(exif)
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except Image.DecompressionBombError as error:
        raise PhotoRefusedError(_too_many_pixels()) from error
    except UnidentifiedImageError as error:
        raise PhotoRefusedError("这个文件不是照片，请上传 JPEG、PNG 或 WebP 照片。") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise PhotoRefusedError("照片不完整或已损坏，请重新拍摄后上传。") from error
    encoded = io.BytesIO()
    upright.save(encoded, "JPEG", quality=_QUALITY)
    stored = encoded.getvalue()
    return Photo(stored, hashlib.sha256(stored).hexdigest(), *upright.size, taken_at, lon, lat)


def keep(photo: Photo) -> tuple[str, str]:
    """Put a photo into the lake under its hash, once. Returns bucket and key."""
    settings = get_settings()
    bucket = ensure_bucket(settings, "evidence")
    key = f"{photo.sha256[:2]}/{photo.sha256}.jpg"
    with spool_folder(settings) as folder:
        spooled = spool([photo.content], folder / "photo", settings.max_object_mb)
        create_object(settings, "evidence", key, spooled, {"content": "image/jpeg"})
    return bucket, key


def _may_add_after(case: Case, actor: Actor) -> None:
    if not actor.has_perm("events.handle_case") or actor.organisation_id != case.handler_id:
        raise PhotoRefusedError("案件不由您的单位承办，不能上传处置后的照片。")
    if case.state not in _HANDLED_IN:
        raise PhotoRefusedError(f"案件现在是“{case.get_state_display()}”，不能上传处置后的照片。")


def _sent_before(case: Case, kind: Evidence.Kind, photo: Photo) -> Evidence:
    known = case.evidence.get(kind=kind, sha256=photo.sha256)
    if kind == Evidence.Kind.MESSAGE:  # proves nothing, may be said again
        return known
    rework = case.transitions.filter(to_state=State.REWORK).last()
    if rework is not None and known.added_at < rework.at:
        raise PhotoRefusedError("这张照片在返工前已经用过，请重新拍摄。")
    return known


def _require_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise PhotoRefusedError(_too_many_pixels())
    if min(width, height) < LEAST_SIDE:
        raise PhotoRefusedError(f"照片太小（{width}×{height}），看不清现场，请重新拍摄。")


def _too_many_pixels() -> str:
    return f"照片像素超过 {MOST_PIXELS // 10_000} 万，请缩小后再上传。"


def _taken_at(exif: Image.Exif) -> datetime | None:
    """When the camera says it was taken; without an offset its clock is taken as Asia/Shanghai."""
    own = exif.get_ifd(ExifTags.IFD.Exif)
    written = own.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    offset = own.get(ExifTags.Base.OffsetTimeOriginal)
    try:
        if offset:
            return datetime.strptime(f"{written} {offset}", "%Y:%m:%d %H:%M:%S %z")
        return datetime.strptime(str(written), "%Y:%m:%d %H:%M:%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None


def _position(exif: Image.Exif) -> tuple[Decimal | None, Decimal | None]:
    """Longitude and latitude that the camera wrote, None for none that makes sense."""
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    try:
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude], gps.get(ExifTags.GPS.GPSLongitudeRef) == "W")
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude], gps.get(ExifTags.GPS.GPSLatitudeRef) == "S")
    except (KeyError, TypeError, ValueError, ZeroDivisionError, InvalidOperation):
        return None, None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else (None, None)


def _degrees(parts: tuple[float, float, float], negative: bool) -> Decimal:
    degrees, minutes, seconds = (Decimal(str(float(part))) for part in parts)
    value = (degrees + minutes / 60 + seconds / 3600).quantize(Decimal("0.000001"))
    return -value if negative else value
