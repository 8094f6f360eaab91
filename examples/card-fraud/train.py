"""Trains the fraud model of this example on payments of the card-fraud generator.

    cargo run --release -p thalweg-actors --example dump-card-fraud -- --seed 1 --records 1200000 > payments.csv
    pip install numpy pandas scikit-learn onnx
    python train.py payments.csv

Writes models/fraud/1/model.onnx and model.toml beside this script. The features are those that
topology.toml computes, in the order of its `score` operator; the same seed gives the same model on
the same versions of the packages.
"""

import argparse
import pathlib
import sys
import warnings

import numpy as np
import onnx
import pandas as pd
import sklearn
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neural_network import MLPClassifier

DAY_MS = 86_400_000
FEATURES = [
    "amount", "weekend", "night",
    "count_1d", "avg_1d", "count_7d", "avg_7d", "count_30d", "avg_30d",
    "terminal_count_1d", "terminal_count_7d", "terminal_avg_7d",
]
# Days since the first payment. Training begins at once, so that the model knows what short
# histories look like: that is how a new deployment begins. Labels are known 7 days later.
TRAIN, TEST = (0, 75), (82, 120)
HIDDEN = (32, 16)
SEED = 1


def rolling(payments, key, days):
    """Count and mean amount of the same key's payments in (t - days, t], this one included.

    Payments stand in the order of time; of two at the same time the later one sees the earlier one.
    """
    codes = pd.factorize(payments[key])[0].astype(np.int64)
    order = np.argsort(codes, kind="stable")
    time = payments["ts"].to_numpy()
    time = (time - time[0] + 100 * DAY_MS)[order]
    # Keys laid out one after the other on one axis of time, with room between them.
    axis = codes[order] * (10_000 * DAY_MS)
    position = np.arange(len(order))
    first = np.searchsorted(axis + time, axis + time - days * DAY_MS, side="right")
    count = position - first + 1
    total = np.concatenate([[0.0], np.cumsum(payments["amount"].to_numpy()[order])])
    mean = (total[position + 1] - total[first]) / count
    result = np.empty((len(order), 2))
    result[order, 0], result[order, 1] = count, mean
    return result.T


def features(payments):
    """One row per payment, columns as FEATURES."""
    columns = {"amount": payments["amount"]}
    time = pd.to_datetime(payments["ts"], unit="ms", utc=True).dt
    columns["weekend"] = time.day_of_week >= 5
    columns["night"] = time.hour <= 6
    for days in (1, 7, 30):
        count, mean = rolling(payments, "customer_id", days)
        columns[f"count_{days}d"], columns[f"avg_{days}d"] = count, mean
    for days in (1, 7):
        count, mean = rolling(payments, "terminal_id", days)
        columns[f"terminal_count_{days}d"], columns[f"terminal_avg_{days}d"] = count, mean
    return np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in FEATURES])


def between(payments, days):
    """Which payments were made on these days."""
    day = (payments["ts"] - payments["ts"].iloc[0]) // DAY_MS
    return ((day >= days[0]) & (day < days[1])).to_numpy()


def graph(network, mean, deviation):
    """The network as an ONNX model: features [N, 12] float32 -> probabilities [N, 2] float32.

    Standardising is part of the first layer's weights. The one logit z becomes the two logits
    (0, z), whose softmax is (1 - sigmoid(z), sigmoid(z)).
    """
    weights = [w.copy() for w in network.coefs_]
    biases = [b.copy() for b in network.intercepts_]
    biases[0] = biases[0] - (mean / deviation) @ weights[0]
    weights[0] = weights[0] / deviation[:, None]
    weights[-1] = np.hstack([np.zeros_like(weights[-1]), weights[-1]])
    biases[-1] = np.concatenate([[0.0], biases[-1]])
    nodes, constants, value = [], [], "features"
    for i, (weight, bias) in enumerate(zip(weights, biases), start=1):
        for name, array in ((f"weight_{i}", weight), (f"bias_{i}", bias)):
            constants.append(numpy_helper.from_array(array.astype(np.float32), name))
        nodes.append(helper.make_node("Gemm", [value, f"weight_{i}", f"bias_{i}"], [f"layer_{i}"]))
        value = f"layer_{i}"
        if i < len(weights):
            nodes.append(helper.make_node("Relu", [value], [f"active_{i}"]))
            value = f"active_{i}"
    nodes.append(helper.make_node("Softmax", [value], ["probabilities"], axis=1))
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", len(FEATURES)])]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])]
    body = helper.make_graph(nodes, "card-fraud", inputs, outputs, constants)
    model = helper.make_model(
        body,
        producer_name="thalweg examples/card-fraud/train.py",
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def report(name, labels, scores):
    """Prints how well scores tell fraud, and gives AUC and average precision."""
    auc, precision = roc_auc_score(labels, scores), average_precision_score(labels, scores)
    shares = []
    for threshold in (0.5, 0.9):
        taken = scores >= threshold
        right = labels[taken].mean() if taken.any() else float("nan")
        shares.append(f">= {threshold}: {taken.sum()} rows, {right:.1%} of them fraud")
    print(f"{name:24} AUC {auc:.3f}  AP {precision:.3f}  {'; '.join(shares)}")
    return auc, precision


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("payments", help="CSV that the example program dump-card-fraud wrote")
    path = parser.parse_args().payments

    payments = pd.read_csv(path)
    payments = payments[payments["amount"] > 0].reset_index(drop=True)
    rows, labels = features(payments), payments["is_fraud"].to_numpy()
    train, test = between(payments, TRAIN), between(payments, TEST)
    if not test.any():
        sys.exit(f"the payments end before day {TEST[0]}: dump more of them")
    mean, deviation = rows[train].mean(axis=0), rows[train].std(axis=0)

    network = MLPClassifier(
        HIDDEN, alpha=1e-5, batch_size=512, learning_rate_init=2e-3, max_iter=25,
        n_iter_no_change=25, random_state=SEED,
    )
    # It is stopped by the number of rounds, on purpose.
    warnings.simplefilter("ignore", ConvergenceWarning)
    network.fit((rows[train] - mean) / deviation, labels[train])
    scores = network.predict_proba((rows - mean) / deviation)[:, 1]
    trees = HistGradientBoostingClassifier(max_leaf_nodes=15, early_stopping=False, random_state=SEED)
    trees.fit(rows[train], labels[train])

    print(f"{train.sum()} payments to train on, {test.sum()} to test, {labels[test].mean():.2%} of them fraud")
    report("amount alone (test)", labels[test], rows[test, 0] / 1_000)
    report("boosted trees (test)", labels[test], trees.predict_proba(rows[test])[:, 1])
    report("network (training)", labels[train], scores[train])
    auc, precision = report("network (test)", labels[test], scores[test])
    known = payments["scenario"].to_numpy()[test]
    for scenario in (1, 2, 3):
        chosen = (known == 0) | (known == scenario)
        report(f"  scenario {scenario} (test)", labels[test][chosen], scores[test][chosen])

    folder = pathlib.Path(__file__).parent / "models" / "fraud" / "1"
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph(network, mean, deviation), folder / "model.onnx")
    names = ",\n    ".join(f'"{name}"' for name in FEATURES)
    date = pd.to_datetime(payments["ts"].iloc[0], unit="ms").date()
    day = lambda n: date + pd.Timedelta(days=n)
    (folder / "model.toml").write_text(f"""\
description = "Probability that a card payment is fraud: a network of 12, {HIDDEN[0]}, {HIDDEN[1]} and 2."
features = [
    {names},
]

[training]
script = "examples/card-fraud/train.py"
data = "generator card-fraud, seed 1"
train = "{day(TRAIN[0])} to {day(TRAIN[1] - 1)}, {train.sum()} payments"
test = "{day(TEST[0])} to {day(TEST[1] - 1)}, {test.sum()} payments"
auc = {auc:.3f}
average-precision = {precision:.3f}
packages = "numpy {np.__version__}, pandas {pd.__version__}, scikit-learn {sklearn.__version__}, onnx {onnx.__version__}"
""")


if __name__ == "__main__":
    main()
