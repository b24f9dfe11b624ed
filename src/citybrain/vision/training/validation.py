"""Mean average precision as the field counts it: the trainer's own validation, each class by itself."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from citybrain.settings import get_settings
from citybrain.vision.environment import import_ultralytics
from citybrain.vision.training.gather import label_text, labelled_boxes, photographs_of

BATCH = 8


def mean_average_precision(
    weights: Path, codes: Mapping[int, str], folder: Path, part: str, classes: dict[int, str], imgsz: int
) -> dict[str, float]:
    """`map50`, `map50_95` and both for every class of the photographs' labels.

    codes: the network's classes as ours, each once; what it knows besides is not asked for. Boxes from score
    0.001 up count, at IoU 0.5 and 0.5 to 0.95 (COCO's way, as ultralytics computes it).
    """
    order = [codes[number] for number in sorted(codes)]
    ultralytics = import_ultralytics(get_settings().data_dir / "vision" / "ultralytics")
    with tempfile.TemporaryDirectory(prefix="citybrain-validation-") as place:
        below = Path(place)
        for kind in ("images", "labels"):
            (below / kind / "test").mkdir(parents=True)
        for picture, label in photographs_of(folder, part):
            (below / "images" / "test" / picture.name).symlink_to(picture.resolve())
            (below / "labels" / "test" / f"{picture.stem}.txt").write_text(
                label_text(labelled_boxes(label, classes), order), encoding="ascii"
            )
        data = {
            "path": place, "train": "images/test", "val": "images/test", "names": dict(enumerate(order))
        }  # fmt: skip
        (below / "data.yaml").write_text(json.dumps(data), encoding="ascii")
        found = ultralytics.YOLO(str(weights), task="detect").val(
            data=str(below / "data.yaml"),
            imgsz=imgsz,
            batch=BATCH,
            device="cpu",
            workers=0,
            plots=False,
            verbose=False,
            project=place,
        )
    figures = {"map50": float(found.box.map50), "map50_95": float(found.box.map)}
    for number, at50, whole in zip(found.box.ap_class_index, found.box.ap50, found.box.ap, strict=True):
        code = order[int(number)]
        figures |= {f"map50_{code}": float(at50), f"map50_95_{code}": float(whole)}
    return figures
