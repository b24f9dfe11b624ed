"""Small means of painting: antialiased polygons, and flat pictures laid onto planes of the world."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from citybrain.simulate.scenery.camera import HEIGHT, WIDTH, Camera, Floats

Bytes = NDArray[np.uint8]
Colour = tuple[int, int, int]


def draw_polygon(draw: ImageDraw.ImageDraw, pixels: Floats, fill: object, scale: float = 1.0) -> None:
    """Fill a polygon (n, 2) given in frame pixels on a canvas `scale` times as large."""
    if len(pixels) > 2:
        draw.polygon((pixels * scale).ravel().tolist(), fill=fill)  # type: ignore[arg-type]


def lay(
    canvas: Image.Image,
    camera: Camera,
    picture: Image.Image,
    corner: Floats,
    across: Floats,
    down: Floats,
    mask: Image.Image | None = None,
) -> None:
    """Lay a picture onto a rectangle of the world: its top left at `corner`, its edges along two vectors.

    The canvas has the frame's size. `mask`, of the picture's size, says what of the picture is laid.
    """
    outline = camera.outline(np.array([corner, corner + across, corner + across + down, corner + down]))
    if not len(outline):
        return
    low = np.floor(np.maximum(outline.min(axis=0), 0)).astype(int)
    high = np.ceil(np.minimum(outline.max(axis=0), [WIDTH, HEIGHT])).astype(int)
    if (high - low < 1).any():
        return
    to_frame = camera.plane_to_frame(corner, across / picture.width, down / picture.height)
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    back = np.linalg.inv(shift @ to_frame)
    back /= back[2, 2]
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    cover = Image.new("L", (size[0] * 2, size[1] * 2))
    draw_polygon(ImageDraw.Draw(cover), outline - low, 255, 2)
    cover = cover.reduce(2)
    data = back.ravel()[:8].tolist()
    laid = picture.transform(size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BILINEAR)
    if mask is not None:
        shown = mask.transform(size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BILINEAR)
        cover = Image.fromarray(
            (np.asarray(cover, np.uint16) * np.asarray(shown, np.uint16) // 255).astype(np.uint8)
        )
    canvas.paste(laid, (int(low[0]), int(low[1])), cover)
