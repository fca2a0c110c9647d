"""Blurring and resizing of float pictures (h, w) or (h, w, C)."""

import cv2
import numpy as np

from idennet.research.synth.appearance import FloatArray


def blurred(picture: np.ndarray, sigma: float, sigma_rows: float | None = None) -> FloatArray:
    """Return a picture after a Gaussian blur of `sigma` pixels along columns, and rows unless given apart."""
    soft = cv2.GaussianBlur(picture, (0, 0), sigmaX=sigma, sigmaY=sigma_rows or sigma)
    return np.asarray(soft, np.float32)


def resized(picture: np.ndarray, shape: tuple[int, int]) -> FloatArray:
    """Return a picture of shape (rows, columns): averaged where it shrinks, smooth where it grows."""
    rows, columns = shape
    shrinks = rows < picture.shape[0]
    small = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(small, np.float32)


def looked_up(picture: FloatArray, columns: np.ndarray, rows: np.ndarray) -> FloatArray:
    """Return (N,) or (N, C) the values of a picture at points, between pixels and past the edge as well."""
    x, y = (np.asarray(v, np.float32)[:, None] for v in (columns, rows))
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(found[:, 0], np.float32)
