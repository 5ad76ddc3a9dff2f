"""A link between two network namespaces, with a rate, a delay and a loss.

    link.py NEAR FAR MBIT ROUND_TRIP_MS LOSS_PERCENT CONGESTION_CONTROL

Makes both namespaces with a TUN device in each and carries the packets between them. Prints
"ready ADDRESS" (FAR's address), runs until its standard input ends, and removes everything. It does what
`tc netem` does, for kernels without it: every packet waits for its turn at the rate, in a queue of one
round trip's worth, is lost with the given probability (fixed seed), and arrives half a round trip later.
"""

import collections
import ctypes
import fcntl
import os
import random
import select
import struct
import subprocess
import sys
import time

MTU = 1500
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
ADDRESSES = ("10.77.0.1", "10.77.0.2")


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def open_tun(namespace):
    """A TUN device belongs to the namespace that it was opened in; its descriptor works anywhere."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"slow", IFF_TUN | IFF_NO_PI))
        return tun
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


def set_up(namespace, own, peer, congestion_control):
    run("ip", "netns", "add", namespace)
    tun = open_tun(namespace)
    for command in (
        f"addr add {own} peer {peer} dev slow",
        f"link set slow mtu {MTU} txqueuelen 10000 up",
        "link set lo up",
    ):
        run("ip", "-n", namespace, *command.split())
    control = f"net.ipv4.tcp_congestion_control={congestion_control}"
    run("ip", "netns", "exec", namespace, "sysctl", "-q", "-w", control)
    return tun


class Direction:
    def __init__(self, source, sink, bytes_per_second, delay, loss, seed):
        self.source, self.sink = source, sink
        self.bytes_per_second, self.delay, self.loss = bytes_per_second, delay, loss
        self.queue_seconds = 2 * delay
        self.random = random.Random(seed)
        self.free_at = 0.0
        self.packets = collections.deque()

    def take(self, now):
        while True:
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            self.free_at = max(self.free_at, now)
            if self.free_at - now > self.queue_seconds or self.random.random() < self.loss:
                continue
            self.free_at += len(packet) / self.bytes_per_second
            self.packets.append((self.free_at + self.delay, packet))

    def give(self, now):
        """Passes on what is due. Returns the seconds until the next packet is, if there is one."""
        while self.packets:
            due, packet = self.packets[0]
            if due > now:
                return due - now
            self.packets.popleft()
            try:
                os.write(self.sink, packet)
            except BlockingIOError:
                pass
        return None


def carry(near, far, mbit, round_trip_ms, loss_percent):
    shape = (mbit * 1e6 / 8, round_trip_ms / 2000, loss_percent / 100)
    ways = (Direction(near, far, *shape, 1), Direction(far, near, *shape, 2))
    poll = select.poll()
    for descriptor in (near, far, sys.stdin.fileno()):
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while True:
        now = time.monotonic()
        waits = [wait for wait in (way.give(now) for way in ways) if wait is not None]
        # poll counts milliseconds; rounded down, so that a packet is at most that much early or late.
        ready = dict(poll.poll(int(min(waits) * 1000) if waits else None))
        if sys.stdin.fileno() in ready:
            return
        now = time.monotonic()
        for way in ways:
            if way.source in ready:
                way.take(now)


def main():
    near_name, far_name, mbit, round_trip_ms, loss_percent, congestion_control = sys.argv[1:]
    near_address, far_address = ADDRESSES
    try:
        near = set_up(near_name, near_address, far_address, congestion_control)
        far = set_up(far_name, far_address, near_address, congestion_control)
        print("ready", far_address, flush=True)
        carry(near, far, float(mbit), float(round_trip_ms), float(loss_percent))
    finally:
        for name in (near_name, far_name):
            subprocess.run(("ip", "netns", "del", name), check=False)


main()
