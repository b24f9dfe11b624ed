"""Covers faces (of a photograph that the package ultralytics carries) and a drawn plate, draws an evidence
frame; pictures go into the folder given, what was found is printed as JSON.
"""

import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from citybrain.simulate.scenery import Light, random_yard, render
from citybrain.vision import privacy
from citybrain.vision.boxes import Box
from citybrain.vision.evidence import evidence_frame
from citybrain.vision.pictures import Pixels

folder = Path(sys.argv[1])
CAR = Box("car", 330 / 960, 180 / 540, 640 / 960, 420 / 540, 0.9)
PERSON = Box("person", 0.32, 0.2, 0.43, 0.86, 0.8)
BESIDE = Box("person", 0.05, 0.3, 0.12, 0.75, 0.4)
FAINT = Box("person", 0.85, 0.3, 0.92, 0.75, 0.2)


def package_file(package: str, *parts: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent.joinpath(*parts)


def rear_of_a_car() -> Pixels:
    """A plain rear view with a plate whose letters the scenery's own font has."""
    picture = Image.new("RGB", (960, 540), (120, 122, 118))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((330, 180, 640, 420), fill=(40, 44, 60))
    draw.rectangle((360, 190, 610, 270), fill=(90, 110, 120))
    draw.rectangle((345, 330, 400, 360), fill=(220, 60, 50))
    draw.rectangle((570, 330, 625, 360), fill=(220, 60, 50))
    plate = Image.new("RGB", (440, 140), (20, 60, 170))
    on_plate = ImageDraw.Draw(plate)
    on_plate.rounded_rectangle((6, 6, 433, 133), 10, outline="white", width=4)
    font = package_file("citybrain.simulate.scenery", "lettering.otf")
    on_plate.text((18, -2), "演", font=ImageFont.truetype(font, 96), fill="white")
    on_plate.text((120, -2), "A·80264", font=ImageFont.truetype(font, 84), fill="white")
    picture.paste(plate.resize((130, 42), Image.Resampling.BOX), (420, 350))
    return np.asarray(picture)[:, :, ::-1].copy()


def covered(name: str, image: Pixels, boxes: list[Box]) -> list[list[int]]:
    """Saves the picture before and after; returns what was covered."""
    cv2.imwrite(str(folder / f"{name}_before.png"), image)
    cv2.imwrite(str(folder / f"{name}_after.png"), privacy.cover(image, boxes))
    return [list(place) for place in privacy.private_places(image, boxes)]


def squares(image: Pixels, person: Box) -> list[float]:
    """How much neighbouring pixels differ over a person's head and over the feet."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = person.pixels(width, height)
    third = (y2 - y1) // 3
    parts = (image[y1 : y1 + third, x1:x2], image[y2 - third : y2, x1:x2])
    return [float(np.abs(np.diff(part.astype(int), axis=1)).mean()) for part in parts]


people = cv2.imread(str(package_file("ultralytics", "assets", "zidane.jpg")))
yard = random_yard(3)
empty = np.ascontiguousarray(render(yard, [], Light.DAY, 5).image[:, :, ::-1])
zone = [list(corner) for corner in yard.zone]
grain = np.random.default_rng(1).integers(0, 255, empty.shape, dtype=np.uint8)
frame = evidence_frame(empty, [CAR], zone, {"小区": "合欢苑", "时间": "2026-11-26 10:00"}, {"car": "小汽车"})
(folder / "frame.jpg").write_bytes(frame)
# a person whom the detector does not ask for: covered, and no box is drawn
beside = cv2.imdecode(
    np.frombuffer(evidence_frame(grain, [], [], {}, None, [BESIDE]), np.uint8), cv2.IMREAD_COLOR
)
left, right = zone[0], zone[1]
told = {
    "faces": covered("faces", people, []),
    "faces_expected": [[982, 185], [614, 346]],
    "faces_found_again": len(privacy._faces(privacy.cover(people, []))),
    "plate": covered("plate", rear_of_a_car(), [CAR]),
    "plate_expected": [[485, 370]],
    "person": [list(place) for place in privacy.private_places(np.full_like(empty, 127), [PERSON])],
    "faint": [list(place) for place in privacy.private_places(np.full_like(empty, 127), [FAINT])],
    "beside_squares": squares(beside, BESIDE),
    "lettering": [list(place) for place in privacy.private_places(empty, [])],
    "zone_edge": [round((left[0] + right[0]) / 2 * 960), round((left[1] + right[1]) / 2 * 540)],
    "box_edge": [640, 300],
}
sys.stdout.write(json.dumps(told))
