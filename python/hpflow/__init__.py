"""Semantic correspondence with Hyperpixel Flow, and PCK as published.

Points are (x, y) in original pixels as annotated, float32, of shape (N, 2), NaN where there is no
prediction; boxes are xmin, ymin, xmax, ymax; sizes are (width, height); feature maps are (C, H, W),
float32 or float16; PCK is in percent. Arrays may be NumPy's, PyTorch's (on any device), or whatever
``numpy.asarray`` takes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._errors import Error as Error
    from ._errors import InternalError as InternalError
    from ._errors import UsageError as UsageError
    from .benchmark import Benchmark as Benchmark
    from .benchmark import Image as Image
    from .benchmark import Pair as Pair
    from .benchmark import Variation as Variation
    from .matching import Geometry as Geometry
    from .matching import Hyperimage as Hyperimage
    from .matching import Matcher as Matcher
    from .matching import devices as devices
    from .matching import match as match
    from .matching import set_threads as set_threads
    from .metrics import PCK as PCK
    from .predicting import Features as Features
    from .predicting import Photograph as Photograph
    from .predicting import predict as predict
    from .predicting import predict_pairs as predict_pairs
    from .predicting import read_image as read_image
    from .predictions import Predictions as Predictions
    from .predictions import read_predictions as read_predictions
    from .predictions import write_predictions as write_predictions
    from .scoring import Protocol as Protocol
    from .scoring import Score as Score
    from .scoring import protocols as protocols
    from .scoring import report as report
    from .scoring import score as score
    from .scoring import show as show

    __version__: str

_PLACES = {
    "Error": "_errors",
    "UsageError": "_errors",
    "InternalError": "_errors",
    "Benchmark": "benchmark",
    "Image": "benchmark",
    "Pair": "benchmark",
    "Variation": "benchmark",
    "Geometry": "matching",
    "Hyperimage": "matching",
    "Matcher": "matching",
    "devices": "matching",
    "match": "matching",
    "set_threads": "matching",
    "PCK": "metrics",
    "Features": "predicting",
    "Photograph": "predicting",
    "predict": "predicting",
    "predict_pairs": "predicting",
    "read_image": "predicting",
    "Predictions": "predictions",
    "read_predictions": "predictions",
    "write_predictions": "predictions",
    "Protocol": "scoring",
    "Score": "scoring",
    "protocols": "scoring",
    "report": "scoring",
    "score": "scoring",
    "show": "scoring",
}

__all__ = [*_PLACES]


# Names are looked up when they are used, so that the command starts without NumPy.
def __getattr__(name: str) -> object:
    if name == "__version__":
        from ._hpflow import VERSION

        return VERSION
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'hpflow' has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f".{place}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
