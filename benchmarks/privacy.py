"""How often something private is still found after it was covered.

    .venv-vision/bin/python benchmarks/privacy.py --photographs ~/photographs --set garbage_bins_cn/val

Faces and plates of every picture are covered as evidence is; `found_again` are those that another look at
score 0.25 found and that were covered again, `left` what the last look still found. What the networks never
found is in none of the figures: nobody has labelled the faces of these pictures.
"""

import argparse
import json
from pathlib import Path

from citybrain.vision.pictures import read_picture
from citybrain.vision.privacy import cover_and_look_again, private_places
from citybrain.vision.training.gather import photographs_of


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--set", default="garbage_bins_cn/val", help="set/split")
    parser.add_argument("--most", type=int, default=200, help="pictures")
    arguments = parser.parse_args()
    name, _, part = arguments.set.partition("/")
    pictures = with_places = places = again = left = with_left = 0
    for path, _ in photographs_of(arguments.photographs / name, part)[: arguments.most]:
        image = read_picture(path.read_bytes()).image
        found = len(private_places(image, []))
        covered = cover_and_look_again(image, [])
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
                "found_again": again,
                "left": left,
                "left_per_1000_places": round(1000 * left / max(places + again, 1), 1),
                "pictures_with_something_left": with_left,
            }
        )
    )


if __name__ == "__main__":
    main()
