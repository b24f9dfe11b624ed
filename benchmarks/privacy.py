"""How often something private is still found after it was covered.

    .venv-vision/bin/python benchmarks/privacy.py --photographs ~/photographs --set garbage_bins_cn/val
        [--persons ~/yolo11n.pt] [--most 200]

Faces and plates of every picture are covered as evidence is; `found_again` are those that another look at
score 0.25 found and that were covered again, `left` what the last look still found. What the networks never
found is in none of the figures: nobody has labelled the faces of these pictures. `--persons` takes a network
that knows persons: of every one the top third is covered; told are those in whose box no face was found, who
would be recognisable by nothing but that.
"""

import argparse
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from citybrain.vision.boxes import Box
from citybrain.vision.openvino_eyes import OpenVinoEyes
from citybrain.vision.pictures import Pixels, read_picture
from citybrain.vision.plates import Rectangle
from citybrain.vision.privacy import BOX_SCORE, cover_and_look_again, private_places
from citybrain.vision.training.gather import photographs_of
from citybrain.vision.weights import Weights


def persons_in(weights: Path | None) -> Callable[[Pixels], list[Box]]:
    if weights is None:
        return lambda _image: []
    named = Weights(weights.stem, weights, "folder", sha256(weights.read_bytes()).hexdigest())
    eyes = OpenVinoEyes(named, 640, Path(gettempdir()) / "vision-benchmark-networks", threads=2)
    return lambda image: [
        box for box in eyes.look(image) if box.class_code == "person" and box.score >= BOX_SCORE
    ]


def has_face(person: Rectangle, faces: list[Rectangle]) -> bool:
    """Whether the middle of a face lies in the person's box."""
    x1, y1, x2, y2 = person
    middles = [((a + c) / 2, (b + d) / 2) for a, b, c, d in faces]
    return any(x1 <= x <= x2 and y1 <= y <= y2 for x, y in middles)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--set", default="garbage_bins_cn/val", help="set/split")
    parser.add_argument("--most", type=int, default=200, help="pictures")
    parser.add_argument("--persons", type=Path, help="weights of a network that knows persons")
    arguments = parser.parse_args()
    look = persons_in(arguments.persons)
    persons = faceless = 0
    name, _, part = arguments.set.partition("/")
    pictures = with_places = places = again = left = with_left = 0
    for path, _ in photographs_of(arguments.photographs / name, part)[: arguments.most]:
        image = read_picture(path.read_bytes()).image
        seen = look(image)
        faces = private_places(image, [])
        found = len(private_places(image, seen))
        height, width = image.shape[:2]
        persons += len(seen)
        faceless += sum(not has_face(box.pixels(width, height), faces) for box in seen)
        covered = cover_and_look_again(image, seen)
        pictures += 1
        with_places += bool(covered.places)
        places += found
        again += covered.found_again
        left += covered.left
        with_left += bool(covered.left)
    print(
        json.dumps(
            {
                "pictures": pictures,
                "pictures_with_something_private": with_places,
                "places": places,
                "persons": persons,
                "persons_without_a_face_found": faceless,
                "found_again": again,
                "left": left,
                "left_per_1000_places": round(1000 * left / max(places + again, 1), 1),
                "pictures_with_something_left": with_left,
            }
        )
    )


if __name__ == "__main__":
    main()
