import cv2
import numpy as np
import pytest

from idennet.inference.quality import Flag, detail, flags_of
from planted import planted_face, planted_picture

SURE = {1: 0.01, 12: 0.99}
CROP = planted_picture(0)[:, :128][np.linspace(0, 119, 128).astype(int)]


def flags(**changed: object) -> tuple[Flag, ...]:
    given = {"crop": CROP, "landmarks": planted_face(0).landmarks, "yaw": 0.0, "pitch": 0.0, "probs": SURE}
    return flags_of(**given | changed)


def test_a_large_sharp_bright_frontal_face_has_no_flag() -> None:
    assert flags() == ()
    assert flags(hidden=()) == ()


@pytest.mark.parametrize(("scale", "small"), [(0.61, ()), (0.59, (Flag.SMALL,))])
def test_less_than_12_pixels_between_the_eyes_is_small(scale: float, small: tuple[Flag, ...]) -> None:
    assert flags(landmarks=scale * planted_face(0).landmarks) == small  # the eyes are 20 pixels apart


def test_each_flag_is_raised_by_its_own_cause() -> None:
    assert flags(yaw=-41.0) == flags(pitch=21.0) == (Flag.TURNED,)
    assert flags(crop=cv2.GaussianBlur(CROP, (0, 0), 6)) == (Flag.BLURRED,)
    assert flags(crop=CROP // 16) == (Flag.DARK,)
    assert flags(hidden=("brows",)) == (Flag.OCCLUDED,)
    assert flags(probs={1: 0.2, 12: 0.95}) == (Flag.UNSURE,)
    assert flags(probs={1: 0.2, 12: 0.97}) == ()


def test_flags_come_in_a_fixed_order_and_have_words() -> None:
    assert flags(probs={1: 0.5}, yaw=90.0) == (Flag.TURNED, Flag.UNSURE)
    assert all(flag.sentence for flag in Flag)


def test_detail_falls_with_blur_but_not_with_light() -> None:
    grey = cv2.cvtColor(CROP, cv2.COLOR_RGB2GRAY)
    sharp, soft, softer = (detail(cv2.GaussianBlur(grey, (0, 0), s)) for s in (0.5, 2, 4))
    assert sharp > soft > softer
    assert detail(grey // 2) == pytest.approx(detail(grey), rel=0.15)
