"""magic-wormhole's own clients: what driver.ts does with ours for the work `clients`.

wormholes.py URL COUNT AT_ONCE: says {"ready":true}, waits for a line, measures, says its figures.
"""
import json
import resource
import sys
import time

from twisted.internet import defer, reactor, task, threads
from wormhole import create

url, count, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
APPID = "bench.example.org/whole"


@defer.inlineCallbacks
def meet():
    """Both ends: a code, the key exchange, and the proof that both have the same key."""
    one = create(APPID, url, reactor)
    one.allocate_code()
    code = yield one.get_code()
    other = create(APPID, url, reactor)
    other.set_code(code)
    mine, theirs = yield defer.gatherResults([one.get_verifier(), other.get_verifier()])
    if mine != theirs:
        raise ValueError("two keys")
    yield defer.gatherResults([one.get_versions(), other.get_versions()])
    return one, other


@defer.inlineCallbacks
def leave(pair):
    yield defer.gatherResults([end.close() for end in pair])


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@defer.inlineCallbacks
def pooled(total, job):
    def jobs():
        for _ in range(total):
            yield job()

    work = jobs()
    yield defer.gatherResults([task.coiterate(work) for _ in range(at_once)])


@defer.inlineCallbacks
def main(_reactor):
    @defer.inlineCallbacks
    def warm():
        yield leave((yield meet()))

    times = []

    @defer.inlineCallbacks
    def timed():
        begun = time.monotonic()
        pair = yield meet()
        times.append((time.monotonic() - begun) * 1000)
        yield leave(pair)

    yield pooled(at_once, warm)
    print('{"ready":true}', flush=True)
    yield threads.deferToThread(sys.stdin.readline)
    begun, used = time.monotonic(), cpu_seconds()
    yield pooled(count, timed)
    seconds, used = time.monotonic() - begun, cpu_seconds() - used
    times.sort()

    def percentile(share):
        return times[min(len(times) - 1, int(len(times) * share))]

    figures = {
        "perSecond": count / seconds,
        "p50Ms": percentile(0.5),
        "p90Ms": percentile(0.9),
        "p99Ms": percentile(0.99),
        "clientsCpuMsEach": used * 1000 / count,
    }
    print(json.dumps(figures), flush=True)


task.react(main)
