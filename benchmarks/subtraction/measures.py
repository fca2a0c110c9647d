"""What a network reads from unseen people, and what its features tell of them."""

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.subtraction.data import Data
from benchmarks.subtraction.variants import Variant
from idennet.learning.evaluation.identity import nearest_shares, probe_identity
from idennet.learning.evaluation.metrics import auc, verification_auc
from idennet.learning.evaluation.scores import score
from idennet.models.idennet import IdenNet


def judge(network: IdenNet, variant: Variant, data: Data, name: str) -> dict[str, float]:
    """Return what a network reads from unseen people, and what its features tell of them.

    `auc`, `f1`: means over Action Units of all faces together, F1-frame at .5. `auc_within`: the same of each
    subject alone, then the mean; nothing constant of a person changes it. `auc_centred`: all together after
    each subject's mean logit was taken away, which needs many faces of the subject: what perfect removal of a
    constant could reach. `person_share`: how much of the spread of logits where an Action Unit is absent is a
    constant of the person. `offset_known`: how much of those constants a linear map of the identity embedding
    predicts of people that it was not fitted to. `embedding_within`: share of the embedding's variance that
    lies within people. `probe`, `nearest`: subjects, from the features that Action
    Units are read from; `_before`: from the expression features before the identity enters.
    """
    store, rows = data.stores[name], data.tested(name)
    with torch.inference_mode():
        pieces = np.array_split(rows, max(1, len(rows) // 64))
        outputs = [network(data.inputs(name, piece)) for piece in pieces]
    logits = torch.cat([output.au_logits for output in outputs]).numpy()
    before = torch.cat([output.expression_features for output in outputs]).numpy()
    after = torch.cat([output.au_residual for output in outputs]).numpy()
    embedding = torch.cat([output.identity_embedding for output in outputs]).numpy()
    aus = [au for au in data.aus if au in store.aus]
    logits = logits[:, [data.aus.index(au) for au in aus]]
    labels = store.labels(aus)[rows]
    subjects = store.frames["subject"].to_numpy(str)[rows]
    sequences = store.frames["sequence"].to_numpy(str)[rows]
    judged = score(1 / (1 + np.exp(-logits.astype(np.float64))), labels, subjects, aus)
    found = {
        "auc": judged.mean_auc,
        "f1": judged.mean_f1,
        "auc_within": auc_within(logits, labels, subjects),
        "auc_centred": mean_auc(logits - own_means(logits, subjects), labels),
        "probe": probe_identity(after, subjects, sequences).accuracy,
        "nearest": nearest_shares(after, subjects),
        "nearest_before": nearest_shares(before, subjects),
        "length_of_features": float(np.linalg.norm(before, axis=1).mean()),
        "length_of_embedding": float(np.linalg.norm(embedding, axis=1).mean()),
    }
    offsets = [person_offsets(logits[:, i], labels[:, i], subjects) for i in range(len(aus))]
    found["person_share"] = float(np.mean([share for _, share in offsets]))
    found["offset_known"] = offset_known(
        embedding, np.column_stack([offset for offset, _ in offsets]), subjects
    )
    spread = pd.DataFrame(embedding).groupby(subjects).var(ddof=0).mean().sum()
    found["embedding_within"] = float(spread / embedding.var(axis=0).sum())
    if len(between := data.between()):
        found |= learnt_removal(network, data, between, logits, embedding, labels, subjects)
    if variant.triplet:
        found["verification_auc"] = verification_auc(embedding, np.unique(subjects, return_inverse=True)[1])
    return {key: round(value, 5) for key, value in found.items()}


def auc_within(logits: NDArray[np.floating], labels: NDArray[np.int8], subjects: NDArray[np.str_]) -> float:
    """Return the AUC of each Action Unit in each subject, mean over subjects, then over Action Units."""
    by_au = []
    for i in range(logits.shape[1]):
        own = [auc(logits[subjects == name, i], labels[subjects == name, i]) for name in np.unique(subjects)]
        by_au.append(np.nanmean(own))
    return float(np.mean(by_au))


def learnt_removal(
    network: IdenNet,
    data: Data,
    between: NDArray[np.int64],
    logits: NDArray[np.float32],
    embedding: NDArray[np.float32],
    labels: NDArray[np.int8],
    subjects: NDArray[np.str_],
) -> dict[str, float]:
    """Return the mean AUC after subtracting what the identity embedding says of a person's mean logits.

    A ridge regression learns that from other people, whom the network was not trained on either; their labels
    are not needed. `auc_removed_by_one` asks the embedding of the face itself, `auc_removed_by_mean` the
    person's mean embedding.
    """
    with torch.inference_mode():
        output = network(data.training(between))
    others = data.train.subject_index[between]
    learnt = ridge().fit(
        pd.DataFrame(output.identity_embedding.numpy()).groupby(others).mean().to_numpy(),
        pd.DataFrame(output.au_logits.numpy()).groupby(others).mean().to_numpy(),
    )
    return {
        "auc_removed_by_one": mean_auc(logits - learnt.predict(embedding), labels),
        "auc_removed_by_mean": mean_auc(logits - learnt.predict(own_means(embedding, subjects)), labels),
    }


def person_offsets(
    logits: NDArray[np.floating], labels: NDArray[np.int8], subjects: NDArray[np.str_]
) -> tuple[NDArray[np.float64], float]:
    """Return each subject's mean logit where an Action Unit is absent, and the share of people, ICC(1)."""
    absent = pd.Series(logits[labels == 0].astype(np.float64)).groupby(subjects[labels == 0])
    means, counts = absent.mean(), absent.count()
    within = (absent.var() * (counts - 1)).sum() / (counts.sum() - len(counts))
    between = (counts * (means - np.average(means, weights=counts)) ** 2).sum() / (len(counts) - 1)
    usual = (counts.sum() - (counts**2).sum() / counts.sum()) / (len(counts) - 1)
    return means.to_numpy(), float((between - within) / (between + (usual - 1) * within))


def offset_known(
    embedding: NDArray[np.float32], offsets: NDArray[np.float64], subjects: NDArray[np.str_]
) -> float:
    """Return R2, mean over Action Units, of offsets (S, A) guessed from mean embeddings, in ten folds."""
    people = pd.DataFrame(embedding).groupby(subjects).mean().to_numpy()
    guessed = cross_val_predict(ridge(), people, offsets, cv=KFold(10, shuffle=True, random_state=0))
    return float(r2_score(offsets, guessed))


def mean_auc(scores: NDArray[np.floating], labels: NDArray[np.int8]) -> float:
    """Return the mean AUC over Action Units of all faces together."""
    return float(np.nanmean([auc(one, truth) for one, truth in zip(scores.T, labels.T, strict=True)]))


def own_means(values: NDArray[np.floating], subjects: NDArray[np.generic]) -> NDArray[np.floating]:
    """Return for each face the mean of its subject's values."""
    return pd.DataFrame(values).groupby(subjects).transform("mean").to_numpy()


def ridge() -> Pipeline:
    """Return a ridge regression that chooses its penalty itself."""
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 5, 13)))
