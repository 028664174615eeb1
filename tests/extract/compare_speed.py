#!/usr/bin/env python3
"""The speed of networks beside ONNX Runtime's: the README's table.

    ONNXRUNTIME=FOLDER tests/extract/compare_speed.py NETWORK.onnx ...

FOLDER holds node_modules/onnxruntime-node. Each pair of runs is one of ours (batch 8) and one of
ONNX Runtime's at batch 1 and at batch 8, of which the better counts; medians over the pairs, and
the median of the pairs' ratios. Both sides use THREADS (2) threads. The machine should have
nothing else to do; PREFIX="chrt -f 10" puts both before whatever it has.
"""
import json
import os
import statistics
import subprocess
import sys

THREADS = os.environ.get("THREADS", "2")
SECONDS = 2  # that each measurement takes, at least
PAIRS = int(os.environ.get("PAIRS", "5"))
PREFIX = os.environ.get("PREFIX", "").split()
BUILD = os.environ.get("BUILD", "build")
HERE = os.path.dirname(os.path.abspath(__file__))


def run(command, **variables):
    result = subprocess.run(PREFIX + command, env={**os.environ, **variables}, check=True,
                            capture_output=True, text=True)
    return json.loads(result.stdout)


def ours(network, runs):
    return run([BUILD + "/tests/bench_network", network, "--batch", "8", "--threads", THREADS,
                "--runs", str(runs), "--json"])


def theirs(network, side):
    script = os.path.join(HERE, "time_onnxruntime.js")
    modules = os.path.join(os.environ["ONNXRUNTIME"], "node_modules")
    results = [run(["node", script, network, batch, side, str(SECONDS), THREADS],
                   NODE_PATH=modules) for batch in ("1", "8")]
    best = min(results, key=lambda result: result["median_ms"])
    return {**best, "peak_rss_mb": results[1]["peak_rss_mb"]}


def compare(network):
    side = "299" if "inception" in os.path.basename(network) else "224"
    runs = max(5, round(1000 * SECONDS / (8 * ours(network, 3)["median_ms"])))
    pairs = [(ours(network, runs), theirs(network, side)) for _ in range(PAIRS)]
    ratios = [b["median_ms"] / a["median_ms"] for a, b in pairs]
    middle = [{key: statistics.median(result[key] for result in results)
               for key in ("median_ms", "load_ms", "peak_rss_mb")} for results in zip(*pairs)]
    print("| %s | %.1f | %.1f | %.2f | %.0f (%.0f) | %.0f (%.0f) |" % (
        os.path.basename(network), middle[0]["median_ms"], middle[1]["median_ms"],
        statistics.median(ratios), middle[0]["load_ms"], middle[1]["load_ms"],
        middle[0]["peak_rss_mb"], middle[1]["peak_rss_mb"]), flush=True)
    return statistics.median(ratios)


def main():
    if len(sys.argv) < 2 or "ONNXRUNTIME" not in os.environ:
        sys.exit(__doc__.strip())
    print("| network | ours, ms | ONNX Runtime, ms | times as fast | load, ms | memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    ratios = [compare(network) for network in sys.argv[1:]]
    print("geometric mean %.2f" % statistics.geometric_mean(ratios))


main()
