"""The vision worker's path, from JPEG to boxes, beside ultralytics' own, in one run on the same pictures.

    .venv-vision/bin/python benchmarks/vision.py --photographs ~/photographs --labels traffic_topview/val

Pipelines take turns over the same 1080p JPEGs in memory (`speed`): ultralytics' `predict` on the weights as
they are, on the network exported for OpenVINO as its exporter does unless told otherwise (squares), and on
one exported for the pictures' own shape; ours as a worker on this machine looks, ours by OpenVINO in the
weights' own width where that is not the same, and ours by ONNX Runtime. `workers`
are one and two processes of ours with one thread each. The pictures are labelled photographs, enlarged to
1920 x 1080; `--labels` names the set and split whose boxes the average precision is told against
(`precision`), vehicles of any kind. `memory` looks at `--memory` pictures and tells what the process holds
meanwhile. `--part` runs some of these; `--out` is added to, so that parts may run one after the other. On a
machine that does other things meanwhile, read the pictures a second of its processor's time.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from citybrain.settings import SOURCE_TREE, get_settings
from citybrain.vision.candidates import found_in
from citybrain.vision.converting import convert
from citybrain.vision.eight_bit_eyes import EightBitEyes
from citybrain.vision.eyes import LOWEST_SCORE, SAME_THING, Eyes
from citybrain.vision.fitting import letterbox, shape_of
from citybrain.vision.onnx_eyes import OnnxEyes
from citybrain.vision.openvino_eyes import OpenVinoEyes
from citybrain.vision.pictures import read_picture
from citybrain.vision.runtime import open_eyes
from citybrain.vision.shaped_eyes import ShapedEyes
from citybrain.vision.training.gather import photographs_of
from citybrain.vision.training.quantise import average_precision
from citybrain.vision.weights import Weights

FULL_HD = (1920, 1080)
VEHICLES = ("car", "lorry", "bus", "motorcycle", "bicycle")
ANY_LABEL = dict.fromkeys(range(20), "vehicle")  # whatever number the set gives it
PARTS = ("speed", "workers", "precision", "memory")
SHIPPED = SOURCE_TREE / "detectors" / "models" / "yard_vehicles" / "weights.pt"


def pictures(folder: Path, part: str, count: int) -> list[bytes]:
    """1080p JPEGs of the set's photographs, quality 88."""
    found = []
    for path, _ in photographs_of(folder, part)[:count]:
        content = io.BytesIO()
        Image.open(path).convert("RGB").resize(FULL_HD, Image.Resampling.BICUBIC).save(
            content, "JPEG", quality=88
        )
        found.append(content.getvalue())
    return found


def named(path: Path) -> Weights:
    return Weights(path.stem, path, "folder", sha256(path.read_bytes()).hexdigest())


def ultralytics_predict(model: Any, imgsz: int | list[int]) -> Callable[[list[bytes]], int]:
    import cv2

    def run(jpegs: list[bytes]) -> int:
        seen = 0
        for jpeg in jpegs:
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            result = model.predict(
                image, imgsz=imgsz, conf=LOWEST_SCORE, iou=SAME_THING, agnostic_nms=True, device="cpu",
                verbose=False, save=False,
            )  # fmt: skip
            seen += len(result[0].boxes)
        return seen

    return run


def ours(eyes: ShapedEyes) -> Callable[[list[bytes]], int]:
    def run(jpegs: list[bytes]) -> int:
        images = (read_picture(jpeg, max(eyes.imgsz, 640)).image for jpeg in jpegs)
        return sum(len(boxes) for boxes in eyes.look_many(images))

    return run


def one_by_one(eyes: ShapedEyes) -> Callable[[list[bytes]], int]:
    """As a worker of the patrol looks: a picture at a time."""

    def run(jpegs: list[bytes]) -> int:
        side = max(eyes.imgsz, 640)
        return sum(len(eyes.look(read_picture(jpeg, side).image)) for jpeg in jpegs)

    return run


def as_worker(weights: Weights, imgsz: int, threads: int) -> ShapedEyes:
    """The eyes that a worker on this machine opens."""
    eyes = open_eyes(get_settings(), weights, imgsz, {}, threads)
    assert isinstance(eyes, ShapedEyes), "this benchmark compares processors, not graphics cards"
    return eyes


def exported(weights: Weights, shape: tuple[int, int], folder: Path, names: dict[int, str]) -> Any:
    """The network as ultralytics' exporter would lay it out, opened by ultralytics."""
    import ultralytics

    target = folder / f"{shape[0]}x{shape[1]}" / f"{weights.name}_openvino_model"
    convert(weights, shape, target / f"{weights.name}.xml", OpenVinoEyes.write)
    (target / "metadata.yaml").write_text(
        json.dumps(
            {"stride": 32, "task": "detect", "batch": 1, "imgsz": list(shape), "names": names, "channels": 3}
        ),
        encoding="utf-8",
    )
    return ultralytics.YOLO(str(target), task="detect")


def timed(run: Callable[[list[bytes]], int], jpegs: list[bytes]) -> tuple[float, float]:
    """Pictures a second by the clock and by the processor's time."""
    wall, busy = time.perf_counter(), time.process_time()
    run(jpegs)
    return len(jpegs) / (time.perf_counter() - wall), len(jpegs) / max(time.process_time() - busy, 1e-9)


def stages(eyes: ShapedEyes, jpegs: list[bytes]) -> dict[str, float]:
    """Milliseconds of the processor for a picture, stage by stage, one after the other."""
    spent = dict.fromkeys(("decode", "fit", "network", "boxes"), 0.0)
    for jpeg in jpegs:
        marks = [time.process_time()]
        image = read_picture(jpeg, max(eyes.imgsz, 640)).image
        marks.append(time.process_time())
        shape = shape_of(image.shape[0], image.shape[1], eyes.imgsz)
        prepared, scale = letterbox(image, shape)
        marks.append(time.process_time())
        output = eyes.output(eyes.network(shape), prepared)
        marks.append(time.process_time())
        list(found_in(output, (image.shape[0], image.shape[1]), scale, shape))
        marks.append(time.process_time())
        for name, before, after in zip(spent, marks, marks[1:], strict=False):
            spent[name] += after - before
    return {name: round(1000 * seconds / len(jpegs), 2) for name, seconds in spent.items()}


def workers(arguments: argparse.Namespace, count: int) -> float:
    """Pictures a second of `count` processes of one thread together."""
    command = [
        sys.executable, __file__, "--photographs", str(arguments.photographs), "--labels", arguments.labels,
        "--weights", str(arguments.weights), "--imgsz", str(arguments.imgsz),
        "--pictures", str(arguments.pictures), "--rounds", str(arguments.rounds),
        "--as-worker",
    ]  # fmt: skip
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    told = [float(process.communicate()[0].splitlines()[-1]) for process in running]
    return sum(told)


def memory(run: Callable[[list[bytes]], int], jpegs: list[bytes], count: int) -> Iterator[tuple[int, float]]:
    """How many pictures, and the megabytes this process holds then."""
    page = os.sysconf("SC_PAGE_SIZE")
    done = 0
    while done < count:
        run(jpegs)
        done += len(jpegs)
        if done >= count or done // 1000 > (done - len(jpegs)) // 1000:
            yield done, int(Path("/proc/self/statm").read_text().split()[1]) * page / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--labels", default="traffic_topview/val", help="set/split")
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int, default=10_000, help="pictures of the part `memory`")
    parser.add_argument("--part", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--as-worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    name, _, part = arguments.labels.partition("/")
    folder = arguments.photographs / name
    jpegs = pictures(folder, part, arguments.pictures)
    kept = Path(tempfile.gettempdir()) / "vision-benchmark-networks"
    weights = named(arguments.weights)
    own_eyes = as_worker(weights, arguments.imgsz, 1 if arguments.as_worker else arguments.threads)
    if arguments.as_worker:
        one_by_one(own_eyes)(jpegs[:8])
        print(max(timed(one_by_one(own_eyes), jpegs * 2)[0] for _ in range(arguments.rounds)))
        return
    report: dict[str, Any] = {
        "device": own_eyes.device,
        "pictures": len(jpegs),
        "kilobytes_a_picture": round(sum(map(len, jpegs)) / len(jpegs) / 1000),
    }
    if "memory" in arguments.part:  # before torch is loaded, as in a worker
        held = memory(ours(own_eyes), jpegs, arguments.memory)
        report["megabytes_after"] = {str(done): round(megabytes) for done, megabytes in held}
    if "speed" in arguments.part:
        report |= speed(arguments, weights, own_eyes, jpegs, kept)
    if "workers" in arguments.part:
        report |= {f"workers_{count}": round(workers(arguments, count), 1) for count in (1, 2)}
    if "precision" in arguments.part:
        report["ap50"] = precision(arguments, weights, own_eyes, folder, part, kept)
    if arguments.out and arguments.out.exists():
        report = json.loads(arguments.out.read_text(encoding="utf-8")) | report
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


def speed(
    arguments: argparse.Namespace, weights: Weights, own_eyes: ShapedEyes, jpegs: list[bytes], kept: Path
) -> dict[str, Any]:
    torch_eyes = Eyes(weights, arguments.imgsz, threads=arguments.threads)
    names = dict(torch_eyes._network.names)
    square, wide = (arguments.imgsz, arguments.imgsz), shape_of(FULL_HD[1], FULL_HD[0], arguments.imgsz)
    place = Path(tempfile.mkdtemp(prefix="vision-benchmark-"))
    try:
        runs = {
            "ultralytics .pt": ultralytics_predict(torch_eyes._network, arguments.imgsz),
            "ultralytics exported": ultralytics_predict(
                exported(weights, square, place, names), arguments.imgsz
            ),
            "ultralytics exported in the pictures' shape": ultralytics_predict(
                exported(weights, wide, place, names), list(wide)
            ),
            "ours": ours(own_eyes),
            "ours by ONNX Runtime": ours(OnnxEyes(weights, arguments.imgsz, kept, threads=arguments.threads)),
        }
        if isinstance(own_eyes, EightBitEyes):
            runs["ours in the weights' own width"] = ours(
                OpenVinoEyes(weights, arguments.imgsz, kept, threads=arguments.threads)
            )
        best = taking_turns(runs, jpegs, arguments.rounds)
    finally:
        shutil.rmtree(place)
    wall = {name: figures[0] for name, figures in best.items()}
    return {
        "pictures_per_second": {name: round(figures[0], 1) for name, figures in best.items()},
        "pictures_per_processor_second": {name: round(figures[1], 1) for name, figures in best.items()},
        "times_ultralytics_pt": round(wall["ours"] / wall["ultralytics .pt"], 2),
        "times_ultralytics_exported": round(wall["ours"] / wall["ultralytics exported"], 2),
        "times_ultralytics_exported_in_the_pictures_shape": round(
            wall["ours"] / wall["ultralytics exported in the pictures' shape"], 2
        ),
        "processor_seconds_per_1000": round(1000 / best["ours"][1], 1),
        "milliseconds_by_stage": stages(own_eyes, jpegs),
    }


def taking_turns(
    runs: dict[str, Callable[[list[bytes]], int]], jpegs: list[bytes], rounds: int
) -> dict[str, tuple[float, float]]:
    """The best of each pipeline's rounds: pictures a second, and a second of the processor."""
    best = dict.fromkeys(runs, (0.0, 0.0))
    for run in runs.values():
        run(jpegs[:4])
    for _ in range(rounds):
        for name, run in runs.items():
            wall, busy = timed(run, jpegs)
            best[name] = max(best[name][0], wall), max(best[name][1], busy)
    return best


def precision(
    arguments: argparse.Namespace,
    weights: Weights,
    own_eyes: ShapedEyes,
    folder: Path,
    part: str,
    kept: Path,
) -> dict[str, float]:
    eyes = {
        "torch": Eyes(weights, arguments.imgsz, threads=arguments.threads),
        "ours": own_eyes,
        "ours by ONNX Runtime": OnnxEyes(weights, arguments.imgsz, kept, threads=arguments.threads),
    }
    return {
        name: round(average_precision(one.look, folder, part, ANY_LABEL, VEHICLES), 4)
        for name, one in eyes.items()
    }


if __name__ == "__main__":
    main()
