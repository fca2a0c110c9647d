import numpy as np

from idennet.people.looks import Look
from idennet.people.wishes import appearances


def test_a_neutral_track_is_the_mean_of_the_looks_that_saw_each_part():
    embedding = np.array([1.0, 0.0])
    looks = [
        Look("clip.mp4", time, 1, np.array(probs), embedding)
        for time, probs in ((0.0, [np.nan, 0.2, np.nan]), (0.5, [0.4, 0.4, np.nan]))
    ]
    (one,) = appearances(looks, neutral=True)
    np.testing.assert_allclose(one.neutral, [0.4, 0.3, np.nan])
