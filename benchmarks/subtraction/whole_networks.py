"""Does subtracting the identity help? IdenNet, triplet loss without subtraction, and LightCNN, equal steps.

All start from the same trunk and identity branch and, for one seed, from the same FC6 and FC7; they see the
same faces with Action Units in the same order. LightCNN has no identity loss: where the others learn from
faces without Action Units (one step in five), it learns from further faces with them.

    python -m benchmarks.subtraction.whole_networks --au stores/wild --identity stores/lfw stores/crowd
        --start weights.safetensors --test unseen=stores/test spot=stores/spot --out results/subtraction
"""

import argparse
import json
import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import idennet
from idennet.files import write_text
from idennet.learning.data.store import FaceStore
from idennet.learning.evaluation.identity import nearest_shares
from idennet.learning.evaluation.metrics import verification_auc
from idennet.learning.evaluation.scores import score
from idennet.learning.training import load_recipe, train
from idennet.learning.training.initialise import standardise_layers
from idennet.learning.training.recipe import Model
from idennet.learning.training.stages import to_tensor
from idennet.models.action_units import ActionUnitModel
from idennet.models.idennet import IdenNet
from idennet.models.lightcnn import LightCNN
from idennet.models.weights import Network, WeightsCard, load_weights, save_weights

SYSTEMS = {
    "IdenNet": ["model.kind=idennet"],
    "triplet loss, no subtraction": ["model.kind=idennet", "model.identity=none"],
    "LightCNN": ["model.kind=lightcnn"],
}
"""Overrides of the recipe for each system."""


def main() -> None:
    """Train every system with every seed, judge, write one result file and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--au", nargs="+", type=Path, required=True)
    parser.add_argument("--identity", nargs="+", type=Path, required=True)
    parser.add_argument(
        "--start", type=Path, required=True, help="weights whose trunk and FC5 all start from"
    )
    parser.add_argument("--test", nargs="+", required=True, help="name=store")
    parser.add_argument("--steps", type=int, default=160)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    tests = {
        name: FaceStore.open(Path(store)) for name, store in (text.split("=") for text in arguments.test)
    }
    stores = [FaceStore.open(store) for store in arguments.au]
    identity_stores = [FaceStore.open(store) for store in arguments.identity]
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(arguments.seeds):
        for system, fields in SYSTEMS.items():
            recipe = load_recipe(
                "transfer",
                [
                    *fields,
                    *("identity_stage=null", f"seed={seed}", f"au_stage.steps={arguments.steps}"),
                    *("validation.subject_fraction=0", "au_stage.validate_every=1000000"),
                    *("au_stage.batches.alpha_consistency=0", "au_stage.batches.au_batches=0.8"),
                    *("au_stage.optimiser.warm_up=20", "au_stage.optimiser.average=0.95"),
                ],
            )
            folder = arguments.out / "runs" / f"{recipe.model.kind}-{recipe.model.identity}-{seed}"
            start = folder.with_suffix(".start.safetensors")
            start.parent.mkdir(parents=True, exist_ok=True)
            _write_start(start, arguments.start, recipe.model, stores[0], seed)
            run = train(
                recipe,
                au_stores=stores,
                identity_stores=identity_stores,
                out=folder,
                initial=start,
                quiet=True,
            )
            rows += [
                {"system": system, "seed": seed, "test": name, **judge(run.weights, store)}
                for name, store in tests.items()
            ]
            print(pd.DataFrame(rows[-len(tests) :]).to_string(), flush=True)
    facts = {
        "idennet": idennet.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "steps": arguments.steps,
        "trained_on": {str(s.path.name): s.digest for s in (*stores, *identity_stores)},
        "tests": {name: {"digest": s.digest, "frames": len(s)} for name, s in tests.items()},
        "rows": rows,
    }
    write_text(arguments.out / "rows.json", json.dumps(facts, indent=1) + "\n")
    table = pd.DataFrame(rows).drop(columns="seed").groupby(["test", "system"]).agg(["mean", "std"])
    print(table.round(4).to_string())


def judge(weights: Path, store: FaceStore) -> dict[str, float]:
    """Return mean AUC, mean F1-frame at .5 and identity leak of weights on the faces of a store."""
    reader = ActionUnitModel.open(weights)
    aus = [au for au in reader.aus if au in store.aus]
    faces = store.read(np.arange(len(store)))
    columns = [reader.aus.index(au) for au in aus]
    subjects = store.frames["subject"].to_numpy(str)
    evaluation = score(reader.read(faces).probs[:, columns], store.labels(aus), subjects, aus)
    network, _ = load_weights(weights)
    with torch.inference_mode():
        outputs = [
            network(to_tensor(faces[i : i + 64], torch.device("cpu"))) for i in range(0, len(faces), 64)
        ]
    residual = torch.cat([output.au_residual for output in outputs]).numpy()
    found = {
        "mean_auc": evaluation.mean_auc,
        "mean_f1": evaluation.mean_f1,
        "nearest_face_is_same_subject": nearest_shares(residual, subjects),
    }
    for au, value in zip(aus, evaluation.auc, strict=True):
        found[f"auc_AU{au}"] = float(value)
    if outputs[0].identity_embedding is not None:
        embeddings = torch.cat([output.identity_embedding for output in outputs]).numpy()
        found["verification_auc"] = verification_auc(embeddings, np.unique(subjects, return_inverse=True)[1])
    return found


def _write_start(path: Path, trunk: Path, model: Model, store: FaceStore, seed: int) -> None:
    """Write first weights: trunk and FC5 as given, FC6 drawn and scaled to faces, FC7 drawn."""
    source, card = load_weights(trunk)
    heads = IdenNet(source.num_aus, generator=torch.Generator().manual_seed(seed))
    heads.trunk.load_state_dict(source.trunk.state_dict())
    rows = np.random.default_rng(seed).choice(len(store), 128, replace=False)
    with torch.no_grad():
        features = heads.trunk(to_tensor(store.read(np.sort(rows)), torch.device("cpu")))
    standardise_layers(heads.fc6, (), lambda: heads.fc6(features))
    network: Network = (
        LightCNN(source.num_aus)
        if model.kind == "lightcnn"
        else IdenNet(source.num_aus, identity=model.identity)
    )
    state = source.state_dict() | {
        name: tensor for name, tensor in heads.state_dict().items() if name.startswith(("fc6", "fc7"))
    }
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    plain = {name: getattr(card, name) for name in WeightsCard.model_fields}
    save_weights(network, path, WeightsCard(**plain | {"calibration": {}, "provenance": {}}), half=False)


if __name__ == "__main__":
    main()
