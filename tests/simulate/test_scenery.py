"""Rendered yards: what stands where in the frame, and that the truth about it is right."""

import io
import subprocess
import sys

import numpy as np
import pytest
import shapely
from PIL import Image

from citybrain.simulate.compounds import load_compounds
from citybrain.simulate.scenery import (
    Light,
    Scene,
    Yard,
    lane_of,
    place_vehicles,
    random_yard,
    render,
    training_scenes,
    yard_of,
)
from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, Camera
from citybrain.simulate.scenery.placing import BAY, LANE, outer_box, place_beside
from citybrain.simulate.scenery.scene import LEAST_VISIBLE, seen_boxes
from citybrain.simulate.scenery.shapes import load_shapes
from citybrain.simulate.scenery.vehicles import Vehicle, draw_vehicle

CAMERAS = [compound.camera_id for compound in load_compounds() if compound.connected]
CLASSES = {"car", "lorry", "bus", "motorcycle", "bicycle"}


def foot(yard: Yard, vehicle: Vehicle) -> shapely.Point:
    box = outer_box(yard, vehicle)
    assert box is not None
    return shapely.Point((box[0] + box[2]) / 2, min(box[3], 1.0))


def test_ground_points_come_back_from_the_frame() -> None:
    camera = Camera(5.5, 700.0, 21.0, 4.0, 1.0)
    ground = np.array([[0.5, 9.0], [-2.0, 14.0], [3.0, 30.0]])
    pixels = camera.project(np.column_stack([ground, np.zeros(3)]))
    assert np.allclose(camera.ground(pixels[:, 0], pixels[:, 1]), ground)


def test_a_plane_is_pictured_where_its_points_are() -> None:
    camera = Camera(5.5, 700.0, 21.0, -6.0)
    corner, across, down = np.array([-2.0, 18.0, 6.0]), np.array([4.0, 1.0, 0.0]), np.array([0.0, 0.0, -6.0])
    point = camera.plane_to_frame(corner, across, down) @ [0.25, 0.5, 1.0]
    expected = camera.project((corner + 0.25 * across + 0.5 * down)[None])[0]
    assert np.allclose(point[:2] / point[2], expected)


def test_what_lies_behind_the_camera_has_no_outline() -> None:
    camera = Camera(5.0, 700.0, 20.0)
    behind = np.array([[-1.0, -9.0, 0.0], [1.0, -9.0, 0.0], [1.0, -5.0, 0.0]])
    assert len(camera.outline(behind)) == 0
    reaching = np.array([[-1.0, -9.0, 0.0], [1.0, -9.0, 0.0], [0.0, 30.0, 0.0]])
    assert len(camera.outline(reaching)) >= 3


@pytest.mark.parametrize("camera_id", CAMERAS)
def test_every_lane_is_a_small_sound_polygon_in_the_frame(camera_id: str) -> None:
    lane = lane_of(camera_id)
    assert 3 <= len(lane) <= 8
    assert all(0 <= value <= 1 and value == round(value, 3) for point in lane for value in point)
    assert shapely.Polygon(lane).is_valid
    assert shapely.Polygon(lane).area > 0.1


def test_yards_differ() -> None:
    cameras = {yard_of(camera_id).camera for camera_id in CAMERAS}
    assert len(cameras) == len(CAMERAS) == 28
    assert random_yard(1) != random_yard(2)
    assert random_yard(1) == random_yard(1)


@pytest.mark.parametrize("camera_id", CAMERAS)
def test_lane_vehicles_stand_in_the_zone_and_bay_vehicles_beside_it(camera_id: str) -> None:
    yard = yard_of(camera_id)
    zone = shapely.Polygon(lane_of(camera_id))
    vehicles = [vehicle for seed in range(5) for vehicle in place_vehicles(yard, seed, 1, 4)]
    assert {vehicle.zone for vehicle in vehicles} == {LANE, BAY}
    for vehicle in vehicles:
        assert zone.covers(foot(yard, vehicle)) is (vehicle.zone == LANE)
    (beside,) = place_beside(yard, 3)
    assert not zone.covers(foot(yard, beside))


def test_no_vehicle_stands_in_another() -> None:
    for seed in range(20):
        vehicles = place_vehicles(random_yard(seed), seed, 2, 6)
        prints = [shapely.Polygon(vehicle.footprint()) for vehicle in vehicles]
        assert not any(a.intersects(b) for n, a in enumerate(prints) for b in prints[:n])


def rendered(seed: int, light: Light) -> Scene:
    yard = random_yard(seed % 3)
    return render(yard, place_vehicles(yard, seed, 1, 5), light, seed)


@pytest.mark.parametrize("light", list(Light))
def test_boxes_lie_in_the_frame_around_what_was_placed(light: Light) -> None:
    for seed in range(3):
        scene = rendered(seed, light)
        assert scene.image.shape == (HEIGHT, WIDTH, 3)
        assert scene.image.dtype == np.uint8
        assert len(scene.boxes) == len(scene.vehicles) > 0
        for (class_code, x1, y1, x2, y2), vehicle in zip(scene.boxes, scene.vehicles, strict=True):
            assert class_code == vehicle.class_code
            assert 0 <= x1 < x2 <= 1
            assert 0 <= y1 < y2 <= 1
            outer = outer_box(random_yard(seed % 3), vehicle)
            assert outer is not None
            assert shapely.box(*outer).buffer(0.012).covers(shapely.box(x1, y1, x2, y2))


def test_a_vehicle_changes_the_picture_inside_its_box() -> None:
    yard = yard_of(CAMERAS[0])
    vehicles = place_vehicles(yard, 4, 1, 0)
    (box,) = render(yard, vehicles, Light.DAY, 8).boxes
    with_it = render(yard, vehicles, Light.DAY, 8).image.astype(int)
    without = render(yard, [], Light.DAY, 8).image.astype(int)
    changed = np.abs(with_it - without).max(axis=2) > 40
    x1, y1, x2, y2 = (round(value * side) for value, side in zip(box[1:], (WIDTH, HEIGHT) * 2, strict=True))
    assert changed[y1:y2, x1:x2].mean() > 0.25
    far = changed.copy()
    far[max(0, y1 - 40) : y2 + 40, max(0, x1 - 120) : x2 + 120] = False
    assert far.mean() < 0.01


def test_what_is_mostly_hidden_or_outside_is_left_out() -> None:
    yard = yard_of(CAMERAS[0])
    (car,) = place_vehicles(yard, 4, 1, 0, lane_shapes=("hatchback",))
    behind = car.standing_at(car.x * 1.12, car.y * 1.12, car.heading, LANE)
    lorry = draw_vehicle(np.random.default_rng(1), ("box_lorry",)).standing_at(
        car.x, car.y, car.heading, LANE
    )
    assert [vehicle for vehicle, _ in seen_boxes(yard, [lorry, behind])] == [lorry]
    assert seen_boxes(yard, [car.standing_at(0.0, -8.0, 0.0, LANE)]) == []
    assert LEAST_VISIBLE == 0.3


def test_the_nearer_vehicle_shortens_the_box_of_the_one_behind() -> None:
    yard = yard_of(CAMERAS[0])
    (car,) = place_vehicles(yard, 4, 1, 0, lane_shapes=("sedan",))
    far = car.standing_at(car.x * 1.5, car.y * 1.5, car.heading, LANE)
    ((_, alone),) = seen_boxes(yard, [far])
    both = dict(seen_boxes(yard, [car, far]))
    if far in both:
        assert both[far][4] <= alone[4]
    assert car in both


@pytest.mark.parametrize("light", list(Light))
def test_the_same_seed_gives_the_same_bytes(light: Light) -> None:
    assert rendered(5, light).jpeg() == rendered(5, light).jpeg()
    assert rendered(5, light).jpeg() != rendered(6, light).jpeg()


def test_night_is_darker_than_day() -> None:
    yard = yard_of(CAMERAS[2])
    means = {
        light: np.mean([render(yard, [], light, seed).image.mean() for seed in range(4)]) for light in Light
    }
    assert means[Light.NIGHT] < means[Light.DUSK] < means[Light.DAY]


def test_every_frame_says_that_it_is_rendered() -> None:
    """The mark's corner is the same whatever the yard behind it, to the strokes."""
    scenes = [rendered(seed, light) for seed, light in enumerate(Light)]
    corners = np.stack([scene.image[12:42, 840:948].min(axis=2) for scene in scenes])
    assert (corners == 240).all(axis=0).sum() > 150


def test_training_scenes_are_labelled_and_a_third_is_empty() -> None:
    scenes = list(training_scenes(24, 3))
    assert len(scenes) == 24
    assert {box[0] for _, boxes in scenes for box in boxes} <= CLASSES
    assert 3 <= sum(not boxes for _, boxes in scenes) <= 14
    again = next(iter(training_scenes(1, 3)))
    assert np.array_equal(again[0], scenes[0][0])
    assert again[1] == scenes[0][1]


@pytest.mark.parametrize("name", list(load_shapes().shapes))
def test_every_shape_is_drawn_solid(name: str) -> None:
    yard = yard_of(CAMERAS[0])
    (placed,) = place_vehicles(yard, 4, 1, 0, lane_shapes=("sedan",))
    drawn = draw_vehicle(np.random.default_rng(2), (name,))
    for turn in np.linspace(0, 2 * np.pi, 5):
        vehicle = drawn.standing_at(placed.x, placed.y, placed.heading + float(turn), LANE)
        ((_, (class_code, x1, y1, x2, y2)),) = seen_boxes(yard, [vehicle])
        outer = outer_box(yard, vehicle)
        assert outer is not None
        assert class_code == load_shapes().shapes[name].class_code
        area = (outer[2] - outer[0]) * (outer[3] - outer[1])
        assert 0.45 < (x2 - x1) * (y2 - y1) / area < 1.6


def test_jpeg_reads_back() -> None:
    with Image.open(io.BytesIO(rendered(1, Light.DAY).jpeg())) as image:
        assert (image.format, image.size) == ("JPEG", (WIDTH, HEIGHT))


def test_scenery_needs_nothing_that_the_vision_environment_lacks() -> None:
    absent = (
        "pyarrow",
        "openpyxl",
        "chinese_calendar",
        "django",
        "airflow",
        "great_expectations",
        "cv2",
        "torch",
    )
    program = (
        "import sys; import citybrain.simulate.scenery; import citybrain.simulate.stills;"
        f"print([name for name in {absent!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
