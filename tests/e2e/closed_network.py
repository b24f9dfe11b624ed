"""Run as a program of its own in a network namespace of its own (`unshare --net --mount`), as root.

It makes a way out that leads nowhere, runs the platform there, and listens to what anybody tries to send.
Prints JSON: how `citybrain up` ended, what it printed, whether the listener hears at all, every packet sent.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

IDLE_SECONDS = 45
EVERY_PROTOCOL = 3
PROBE = ("198.51.100.1", 9)
WAY_OUT = """
ip link set lo up
ip link add out type veth peer name nowhere
sysctl -qw net.ipv6.conf.out.disable_ipv6=1 net.ipv6.conf.nowhere.disable_ipv6=1
ip addr add 192.0.2.1/24 dev out
ip link set out up
ip link set nowhere up
ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out nud permanent
ip route add default via 192.0.2.2
"""


def describe(frame: bytes) -> str:
    """Destination, port and the readable part of one Ethernet frame."""
    kind, packet = frame[12:14], frame[14:]
    if kind != b"\x08\x00":
        return f"ethertype {kind.hex()}"
    header = (packet[0] & 15) * 4
    port = int.from_bytes(packet[header + 2 : header + 4], "big")
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in packet[header:][:100])
    return f"protocol {packet[9]} to {socket.inet_ntoa(packet[16:20])} port {port}: {text}"


def listen(sent: list[str]) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL)) as ear:
        ear.bind(("nowhere", 0))
        while True:
            sent.append(describe(ear.recv(2048)))


def main(citybrain: str, scratch: Path) -> None:
    names = scratch / "resolv.conf"
    # Far away: questions to a name server within the machine would not be heard.
    names.write_text("nameserver 198.51.100.53\n", encoding="ascii")
    for line in WAY_OUT.strip().splitlines():
        subprocess.run(line.split(), check=True)
    subprocess.run(["mount", "--bind", str(names), "/etc/resolv.conf"], check=True)
    sent: list[str] = []
    threading.Thread(target=listen, args=(sent,), daemon=True).start()
    time.sleep(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(b"is anybody listening", PROBE)
    time.sleep(1)
    heard = [line for line in sent if "is anybody listening" in line]
    sent.clear()
    try:
        up = subprocess.run([citybrain, "up"], capture_output=True, text=True, check=False)
        time.sleep(IDLE_SECONDS)
    finally:
        subprocess.run([citybrain, "down"], capture_output=True, check=False)
    result = {"code": up.returncode, "printed": up.stdout + up.stderr, "heard": heard, "sent": sent}
    sys.stdout.write("\n" + json.dumps(result) + "\n")


main(sys.argv[1], Path(sys.argv[2]))
