"""A camera that streams H.264 over RTSP, one that redirects, one that answers a playlist, one without end."""

import io
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from camera_servers import trap

from citybrain.settings import Settings
from citybrain.vision import camera_rtsp
from citybrain.vision.camera_address import MissingStillError, pin
from citybrain.vision.camera_rtsp import rtsp_still

WIDTH, HEIGHT = 320, 240
SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
)


def nal_units() -> list[bytes]:
    """One key frame of a moving pattern."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"tune": "zerolatency", "bsf": "", "x264-params": "annexb=1"}
    pixels = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    packets = encoder.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")) + encoder.encode(None)
    units = b"".join(bytes(packet) for packet in packets).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [unit for unit in units if unit]


def rtp(units: list[bytes]) -> list[bytes]:
    """The frame as RTP packets (RFC 6184: single units, and FU-A for long ones)."""
    payloads: list[bytes] = []
    for unit in units:
        if len(unit) <= 1200:
            payloads.append(unit)
            continue
        parts = [unit[start : start + 1200] for start in range(1, len(unit), 1200)]
        for number, part in enumerate(parts):
            edge = (0x80 if number == 0 else 0) | (0x40 if number == len(parts) - 1 else 0)
            payloads.append(bytes(((unit[0] & 0xE0) | 28, edge | (unit[0] & 0x1F))) + part)
    return payloads


def stream(end: socket.socket, payloads: list[bytes], again: int) -> None:
    number = 0
    for frame in range(again):
        for place, payload in enumerate(payloads):
            last = 0x80 if place == len(payloads) - 1 else 0
            packet = struct.pack("!BBHII", 0x80, 96 | last, number & 0xFFFF, frame * 3600, 7) + payload
            end.sendall(struct.pack("!cBH", b"$", 0, len(packet)) + packet)
            number += 1
        time.sleep(0.02)


def camera(answer: Callable[[socket.socket, str, int], None]) -> int:
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        end, _ = door.accept()
        asked = b""
        while chunk := end.recv(4096):
            asked += chunk
            while b"\r\n\r\n" in asked:
                head, _, asked = asked.partition(b"\r\n\r\n")
                words = head.decode().split()
                number = int(words[words.index("CSeq:") + 1])
                try:
                    answer(end, words[0], number)
                except OSError:
                    return

    threading.Thread(target=serve, daemon=True).start()
    return door.getsockname()[1]


def reply(end: socket.socket, number: int, more: str = "", body: str = "", status: str = "200 OK") -> None:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    end.sendall(f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n{more}{length}\r\n{body}".encode())


def sound(payloads: list[bytes], again: int) -> Callable[[socket.socket, str, int], None]:
    def answer(end: socket.socket, verb: str, number: int) -> None:
        if verb == "OPTIONS":
            reply(end, number, "Public: DESCRIBE, SETUP, PLAY\r\n")
        elif verb == "DESCRIBE":
            reply(end, number, "Content-Type: application/sdp\r\n", SDP)
        elif verb == "SETUP":
            reply(end, number, "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
        elif verb == "PLAY":
            reply(end, number, "Session: 1\r\n")
            threading.Thread(target=stream, args=(end, payloads, again), daemon=True).start()

    return answer


def outcome(port: int) -> object:
    settings = Settings(http_allow=[f"127.0.0.1:{port}"])
    try:
        content = rtsp_still(pin(settings, f"rtsp://127.0.0.1:{port}/live"))
    except MissingStillError as missing:
        return missing.reason
    with Image.open(io.BytesIO(content)) as header:
        return list(header.size)


def main() -> None:
    units = rtp(nal_units())
    told: dict[str, object] = {"size": outcome(camera(sound(units, 50)))}
    with trap() as (there, caught):

        def elsewhere(end: socket.socket, _verb: str, number: int) -> None:
            reply(end, number, f"Location: rtsp://127.0.0.1:{there}/\r\n", status="302 Moved")

        told["redirected"] = outcome(camera(elsewhere))
        told["caught"] = len(caught)

    def playlist(end: socket.socket, _verb: str, number: int) -> None:
        reply(end, number, "Content-Type: application/vnd.apple.mpegurl\r\n", "#EXTM3U\nfile:///etc/passwd\n")

    told["playlist"] = outcome(camera(playlist))
    camera_rtsp.WHOLE_SECONDS = 3.0
    began = time.monotonic()
    told["endless"] = outcome(camera(sound([bytes((1, 2, 3)) * 400], 100_000)))  # never a picture
    told["endless_seconds"] = time.monotonic() - began
    print(json.dumps(told))  # noqa: T201


main()
