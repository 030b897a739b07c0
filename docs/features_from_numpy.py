"""Turns feature maps of any network, as NumPy arrays, into files that `hpflow predict --features`
and `hpflow match --features` read. Needs numpy and safetensors.

    python docs/features_from_numpy.py arrays features --backbone dinov2-vits14 --stride 14 --offset 6.5

`arrays` holds one `.npz` a photograph, at the photograph's place and under its name:
`arrays/horse/2008_000219.jpg.npz` for `JPEGImages/horse/2008_000219.jpg`. In each are

    original_size    [width, height] of the photograph in pixels
    resized_size     [width, height] that the network saw; both sides scaled by one ratio
    anything else    a layer, channels × rows × columns; layers are numbered in order of their names

`ratio` (resized over original) may be there too, where it is not exactly that of the longer sides.
A layer at another stride than --stride has it in its name: `blocks.11@28`.
"""

import argparse
import json
import pathlib

import numpy
from safetensors.numpy import save_file

SIZES = ("original_size", "resized_size", "ratio")


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


def convert(path, name, options):
    with numpy.load(path) as arrays:
        layers = {key: arrays[key] for key in sorted(arrays.files) if key not in SIZES}
        header = {
            "version": 1,
            "photograph": name,
            "original_size": [int(side) for side in arrays["original_size"]],
            "resized_size": [int(side) for side in arrays["resized_size"]],
        }
        if "ratio" in arrays.files:
            header["ratio"] = float(arrays["ratio"])
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
    parser.add_argument("--backbone", required=True, help="the network's name")
    parser.add_argument("--weights", default="unnamed", help="which weights, for the record")
    parser.add_argument("--stride", type=int, required=True, help="resized pixels between cells")
    parser.add_argument("--offset", type=float, default=0.0, help="centre of the first cell in resized pixels")
    parser.add_argument("--receptive-field", type=int, help="side of a cell's box [default: 2 · stride + 1]")
    parser.add_argument("--half", action="store_true", help="store 16 bits a number")
    options = parser.parse_args()
    root = pathlib.Path(options.arrays)
    for path in sorted(root.rglob("*.npz")):
        convert(path, path.relative_to(root).as_posix().removesuffix(".npz"), options)


if __name__ == "__main__":
    main()
