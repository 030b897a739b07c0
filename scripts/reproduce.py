#!/usr/bin/env python3
"""Reproduces the rows of Hyperpixel Flow in the SPair-71k paper: `make reproduce`.

Downloads SPair-71k, checks it, fetches the weights of both ResNets, predicts the test split with each,
scores the predictions with the paper's rows beside them, and says of each row whether it is reproduced.
A run that was stopped is continued by the same command: what is complete is not done again.

Exit code: 0 if each row is within 0.1 of the published one or its 95 % interval holds it, 1 if not or if
a step failed, 2 for wrong usage. Needs Python 3.9 and nothing else.
"""

import argparse
import json
import pathlib
import subprocess
import sys

# The rows of tables 3 and 4 of the paper, by the backbone's name here.
ROWS = {"resnet50": "HPF ResNet-50", "resnet101": "HPF ResNet-101"}
# Pairs of SPair-71k's test split, of which the paper's rows speak.
PAIRS = 12234
NEAR = 0.1


def say(text):
    print(f"==> {text}", flush=True)


def run(*command, out=None):
    """Runs a step. One that fails has said why; the script ends with its exit code."""
    words = [str(word) for word in command]
    print("$ " + " ".join(words), flush=True)
    done = subprocess.run(words, stdout=subprocess.PIPE if out else None, text=bool(out), encoding="utf-8" if out else None)
    if done.returncode != 0:
        say("stopped; the same command continues from here")
        sys.exit(1)
    if out:
        # A file is replaced when its content is complete.
        partial = out.with_name(out.name + ".partial")
        partial.write_text(done.stdout, encoding="utf-8")
        partial.replace(out)
    return done.stdout


def verdict(mean, low, high, published):
    """Whether a mean in percent reproduces a published one, in words, and whether it does."""
    if abs(mean - published) <= NEAR + 1e-9:
        return "within 0.1", True
    if low is not None and high is not None and low <= published <= high:
        return "within the interval", True
    return "NOT reproduced", False


def verdicts(score, published):
    """A line for each file of `hpflow score --bootstrap --format json`, and whether all are good.

    `published` holds the number of each backbone, where it is not that of the paper's row."""
    lines, good = [], True
    rows = {row["name"]: row["all"] for row in score["published"]["category"] if row["group"] == "original"}
    for file in score["files"]:
        backbone = file["method"]["backbone"]
        alpha = next(iter(file["pck"]))
        pck = file["pck"][alpha]
        interval = pck.get("interval_95", {})
        mean = pck["all"]
        low, high = (interval.get(side, {}).get("all") for side in ("low", "high"))
        name = ROWS[backbone]
        if backbone not in published and file["pairs"] != PAIRS:
            words, well = f"not comparable: {file['pairs']} pairs, not the paper's {PAIRS}", False
            number = rows[name]
        else:
            number = published.get(backbone, rows.get(name))
            words, well = verdict(mean, low, high, number)
        good &= well
        between = "no interval" if low is None or high is None else f"95 % from {low:.1f} to {high:.1f}"
        lines.append(f"{name:<15} published {number:.1f}, here {mean:.2f} ({mean - number:+.2f}; {between}): {words}")
    return lines, good


def published(text):
    """`resnet50=12.3,resnet101=4` as a dictionary."""
    numbers = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        if name not in ROWS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(ROWS)}")
        try:
            numbers[name] = float(number)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{part!r}: expected a number after {name}=") from None
    return numbers


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hpflow", default="hpflow", help="the program (default: the one on the PATH)")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("reproduce"), help="where everything is kept (default: reproduce)")
    parser.add_argument("--url", help="the archive of SPair-71k, if not from its authors' server")
    parser.add_argument("--weights", help="weights of both networks instead of the hub's: 'untrained' for a trial")
    parser.add_argument("--engine", default="auto", help="the engine of hpflow predict (default: auto)")
    parser.add_argument("--published", type=published, default={}, metavar="resnet50=N,resnet101=N", help="numbers to compare with instead of the paper's, for another benchmark in SPair-71k's files")
    return parser.parse_args()


def main():
    given = options()
    root = given.folder / "SPair-71k"
    given.folder.mkdir(parents=True, exist_ok=True)

    say(f"SPair-71k in {root}")
    if root.exists():
        print("it is there already")
    else:
        url = ["--url", given.url] if given.url else []
        run(given.hpflow, "dataset", "download", "spair", "--out", given.folder, *url)
    run(given.hpflow, "dataset", "check", "--root", root, "--split", "test")

    files = []
    for backbone in ROWS:
        say(f"Hyperpixel Flow on {backbone}")
        if given.weights is None:
            run(given.hpflow, "weights", "fetch", backbone)
        weights = ["--weights", given.weights] if given.weights else []
        file = given.folder / f"hpf-{backbone}.jsonl"
        run(given.hpflow, "predict", "--benchmark", "spair", "--root", root, "--backbone", backbone, *weights, "--engine", given.engine, "--out", file, "--resume")
        files.append(file)

    say("scores, with the paper's rows")
    score = [given.hpflow, "score", *files, "--root", root, "--with-published"]
    print(run(*score, out=given.folder / "score.txt"), end="")
    text = run(*score, "--bootstrap", "10000", "--format", "json", out=given.folder / "score.json")

    say("verdict")
    lines, good = verdicts(json.loads(text), given.published)
    (given.folder / "verdict.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
