"""The face model of the tests: ICT-FaceKit Light thinned to 1,420 vertices by `face_model/make.py`."""

from pathlib import Path

FACE_MODEL = Path(__file__).parent / "face_model" / "small_face.npz"
