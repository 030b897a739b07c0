"""Turns feature maps of any network, as NumPy arrays, into files that `hpflow predict --features`
and `hpflow match --features` read. Needs numpy and safetensors.

    python docs/features_from_numpy.py arrays features --photographs SPair-71k/JPEGImages \\
        --backbone dinov2-vits14 --stride 14 --offset 6.5

`arrays` holds one `.npz` a photograph, at the photograph's place below the benchmark's photographs and
under its name: `arrays/horse/2008_000219.jpg.npz` for `JPEGImages/horse/2008_000219.jpg`. In each are

    original_size    [width, height] of the photograph in pixels
    resized_size     [width, height] of the photograph in what the network saw, without padding
    ratio            resized over original pixels, a number or [x, y]; may be left out where there is no
                     offset: then each axis has that of its sizes
    offset           [x, y] of the photograph's first pixel in what the network saw: the padding left of
                     it and above it; may be left out where there is none
    anything else    a layer, channels x rows x columns; layers are numbered in order of their names

A layer at another stride than --stride has it in its name: `blocks.11@28`.
"""

import argparse
import hashlib
import json
import pathlib
import sys

import numpy
from safetensors.numpy import save_file

SIZES = ("original_size", "resized_size", "ratio", "offset")


def layer(id, name, array, options):
    """What hpflow must know of a layer. Jump and receptive field make it fit to be a base."""
    stride = int(name.split("@")[1]) if "@" in name else options.stride
    return {
        "id": id,
        "name": name,
        "stride": stride,
        "channels": array.shape[0],
        "jump": stride,
        "receptive_field": options.receptive_field or 2 * stride + 1,
        "offset": options.offset,
    }


def geometry(path, arrays):
    """Where the photograph is in what the network saw: whole pixels, ratios, padding."""

    def pair(key, number):
        values = [number(value) for value in numpy.ravel(arrays[key])]
        if len(values) != 2:
            sys.exit(f"{path}: {key} has {len(values)} numbers; expected two, x and y")
        return values

    for key in ("original_size", "resized_size"):
        if key not in arrays.files:
            sys.exit(f"{path}: {key} is missing; expected [width, height] in pixels")
    found = {key: pair(key, int) for key in ("original_size", "resized_size")}
    if "ratio" in arrays.files:
        ratio = numpy.ravel(arrays["ratio"])
        found["ratio"] = float(ratio[0]) if ratio.size == 1 else pair("ratio", float)
    if "offset" in arrays.files:
        if "ratio" not in found:
            sys.exit(f"{path}: an offset, but no ratio; give resized over original pixels too")
        found["offset"] = pair("offset", float)
    return found


def convert(path, name, options):
    header = {"version": 2, "photograph": name}
    if options.photographs:
        photograph = pathlib.Path(options.photographs, name)
        if not photograph.is_file():
            sys.exit(f"{photograph}: is missing; give the folder of the photographs to --photographs")
        header["sha256"] = hashlib.sha256(photograph.read_bytes()).hexdigest()
    with numpy.load(path) as arrays:
        header.update(geometry(path, arrays))
        layers = {key: arrays[key] for key in sorted(arrays.files) if key not in SIZES}
    number = numpy.float16 if options.half else numpy.float32
    tensors = {key: numpy.ascontiguousarray(array, number) for key, array in layers.items()}
    header["description"] = {
        "backbone": options.backbone,
        "precision": "f16" if options.half else "f32",
        "layers": [layer(id, *item, options) for id, item in enumerate(tensors.items())],
        "made_with": {"weights": options.weights},
    }
    file = pathlib.Path(options.features, name + ".safetensors")
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata={"hpflow-features": json.dumps(header)})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("arrays", help="folder of .npz files")
    parser.add_argument("features", help="folder to write")
    parser.add_argument("--photographs", help="folder of the photographs, to note their content")
    parser.add_argument("--backbone", required=True, help="the network's name")
    parser.add_argument("--weights", default="unnamed", help="which weights, for the record")
    parser.add_argument("--stride", type=int, required=True, help="resized pixels between cells")
    parser.add_argument("--offset", type=float, default=0.0, help="centre of the first cell in resized pixels")
    parser.add_argument("--receptive-field", type=int, help="side of a cell's box [default: 2 * stride + 1]")
    parser.add_argument("--half", action="store_true", help="store 16 bits a number")
    options = parser.parse_args()
    root = pathlib.Path(options.arrays)
    paths = sorted(root.rglob("*.npz"))
    if not paths:
        sys.exit(f"{root}: holds no .npz file")
    if not options.photographs:
        print("without --photographs a photograph that changes later goes unnoticed", file=sys.stderr)
    for path in paths:
        convert(path, path.relative_to(root).as_posix().removesuffix(".npz"), options)


if __name__ == "__main__":
    main()
