"""Colours become sRGB, which networks are trained on, whatever profile or colour model a picture has."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GREY_MODES = ("1", "L", "LA", "La")


def to_srgb(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return (H, W, 3) sRGB pixels, on white where they are transparent, with what was changed.

    Args:
        image: A loaded picture of 8 bits or fewer, with its ICC profile in `info`.
    """
    notes: list[str] = []
    alpha = None
    if image.has_transparency_data:
        image = _with_alpha(image)
        alpha = np.asarray(image.getchannel("A"))
    profile = image.info.get("icc_profile")
    rgb = None
    if image.mode == "LAB":
        rgb = ImageCms.applyTransform(image, _lab_transform())
        notes.append("LAB converted to RGB")
    elif isinstance(profile, bytes) and profile:
        rgb, note = _by_profile(image, profile)
        notes += note
    if rgb is None:
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        if image.mode == "CMYK":
            notes.append("CMYK converted to RGB without a colour profile")
    pixels = np.asarray(rgb)
    if alpha is not None and alpha.min() < 255:
        pixels = _on_white(pixels, alpha)
        notes.append("transparent parts shown on white")
    return pixels, tuple(notes)


def _with_alpha(image: Image.Image) -> Image.Image:
    """Return the picture as RGBA, or as LA where it is grey."""
    return image if image.mode in ("RGBA", "LA") else image.convert("LA" if image.mode == "L" else "RGBA")


def _by_profile(image: Image.Image, profile: bytes) -> tuple[Image.Image | None, list[str]]:
    """Convert with a profile; None where it describes sRGB already, is damaged or of another colour model."""
    try:
        space, name, transform = _transform(profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        return None, ["damaged colour profile ignored"]
    if transform is None:
        return None, []
    fits = {"RGB": image.mode != "CMYK", "GRAY": image.mode in _GREY_MODES, "CMYK": image.mode == "CMYK"}
    if not fits[space]:
        return None, [f"colour profile {name} ignored, since the picture is {image.mode}"]
    plain = image if image.mode == _MODES[space] else image.convert(_MODES[space])
    return ImageCms.applyTransform(plain, transform), [f"colours converted to sRGB from {name}"]


@lru_cache(maxsize=32)
def _transform(profile: bytes) -> tuple[str, str, ImageCms.ImageCmsTransform | None]:
    """Return colour model, name and transform to sRGB of a profile; no transform where it is sRGB."""
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = opened.profile.xcolor_space.strip()
    name = " ".join(ImageCms.getProfileDescription(opened).split())[:60] or "an unnamed profile"
    if "srgb" in name.lower():
        return space, name, None
    if space not in _MODES:
        raise ValueError(space)
    transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), _MODES[space], "RGB")
    return space, name, transform


@lru_cache(maxsize=1)
def _lab_transform() -> ImageCms.ImageCmsTransform:
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(*profiles, "LAB", "RGB")


def _on_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite (H, W, 3) with alpha (H, W) on white with exact rounding."""
    colour, share = rgb.astype(np.uint32), alpha[:, :, None].astype(np.uint32)
    return ((colour * share + 255 * (255 - share) + 127) // 255).astype(np.uint8)
