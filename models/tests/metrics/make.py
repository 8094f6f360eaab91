#!/usr/bin/env python3
"""Computes what models/src/evaluate is tested against: expected.json, with scikit-learn and river.

    pip install numpy scikit-learn river
    python make.py

Card precision and kappa-temporal are in neither library: they are written out below from their definitions, over plain
lists. Seeded: a rerun writes the same file.
"""
import json
import pathlib

import numpy as np
from river import metrics as river_metrics
from river import utils
from sklearn import metrics
from sklearn.calibration import calibration_curve

RNG = np.random.default_rng(7)


def binary():
    truth = (RNG.random(400) < 0.15).astype(int)
    score = 1 / (1 + np.exp(-(RNG.normal(size=400) * 1.5 + 2.5 * truth - 2)))
    # Two digits: many ties. As 32-bit floats, which is what models give.
    score = np.round(score, 2).astype(np.float32)
    wide = score.astype(float)
    said = (wide > 0.5).astype(int)
    # scikit-learn puts a probability at a bin's edge below it, this project above: moved off the edges for the error.
    moved = np.clip(wide + 0.001, 0, 1)
    share, mean = calibration_curve(truth, moved, n_bins=10, strategy="uniform")
    counts = np.histogram(moved, bins=np.linspace(0, 1, 11))[0]
    counts = counts[counts > 0]
    order = np.argsort(-wide, kind="stable")
    return {
        "truth": truth.tolist(),
        "score": wide.tolist(),
        "roc-auc": metrics.roc_auc_score(truth, wide),
        "average-precision": metrics.average_precision_score(truth, wide),
        "log-loss": metrics.log_loss(truth, wide.clip(1e-15, 1 - 1e-15)),
        "brier": metrics.brier_score_loss(truth, wide),
        "calibration-error-moved": float(np.sum(counts * np.abs(share - mean)) / len(truth)),
        "precision-at-20": float(truth[order[:20]].mean()),
        "recall-at-20": float(truth[order[:20]].sum() / truth.sum()),
        "said": said.tolist(),
        "accuracy": metrics.accuracy_score(truth, said),
        "balanced-accuracy": metrics.balanced_accuracy_score(truth, said),
        "kappa": metrics.cohen_kappa_score(truth, said),
        "precision": metrics.precision_score(truth, said),
        "recall": metrics.recall_score(truth, said),
        "f1": metrics.f1_score(truth, said),
    }


def classes():
    truth = RNG.integers(0, 3, 300)
    logits = RNG.normal(size=(300, 3)) + 1.5 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities = probabilities.astype(np.float32)
    said = probabilities.argmax(axis=1)
    return {
        "truth": truth.tolist(),
        "probabilities": probabilities.astype(float).ravel().tolist(),
        "accuracy": metrics.accuracy_score(truth, said),
        "balanced-accuracy": metrics.balanced_accuracy_score(truth, said),
        "kappa": metrics.cohen_kappa_score(truth, said),
        "log-loss": metrics.log_loss(truth, probabilities.astype(float)),
        "confusion": metrics.confusion_matrix(truth, said).ravel().tolist(),
    }


def values():
    truth = RNG.normal(size=200).astype(np.float32).astype(float)
    said = (truth + RNG.normal(size=200)).astype(np.float32).astype(float)
    return {
        "truth": truth.tolist(),
        "said": said.tolist(),
        "mean-absolute-error": metrics.mean_absolute_error(truth, said),
        "root-mean-squared-error": metrics.root_mean_squared_error(truth, said),
    }


def prequential():
    """Labels in runs; after every hundred rows the measures so far."""
    truth = np.repeat(RNG.integers(0, 2, 200), RNG.integers(1, 12, 200))[:1000]
    said = np.where(RNG.random(len(truth)) < 0.8, truth, 1 - truth)
    every, window, factor = 100, 150, 0.99
    accuracy, kappa = river_metrics.Accuracy(), river_metrics.CohenKappa()
    balanced = utils.Rolling(river_metrics.BalancedAccuracy(), window_size=window)
    windowed = utils.Rolling(river_metrics.Accuracy(), window_size=window)
    no_change, no_change_windowed = river_metrics.Accuracy(), utils.Rolling(river_metrics.Accuracy(), window_size=window)
    faded, weight, before = 0.0, 0.0, None
    rows = []
    for at, (y, p) in enumerate(zip(truth.tolist(), said.tolist()), 1):
        for measure in (accuracy, kappa, balanced, windowed):
            measure.update(y, p)
        no_change.update(y, before), no_change_windowed.update(y, before)
        faded, weight, before = faded * factor + (y == p), weight * factor + 1, y
        if at % every == 0:
            temporal = lambda p0, pe: (p0 - pe) / (1 - pe)
            rows.append({
                "row": at,
                "accuracy": accuracy.get(),
                "kappa": kappa.get(),
                "accuracy-windowed": windowed.get(),
                "balanced-accuracy-windowed": balanced.get(),
                "accuracy-faded": faded / weight,
                "no-change": no_change.get(),
                "kappa-temporal": temporal(accuracy.get(), no_change.get()),
                "kappa-temporal-windowed": temporal(windowed.get(), no_change_windowed.get()),
            })
    return {"truth": truth.tolist(), "said": said.tolist(), "window": window, "factor": factor, "after": rows}


def cards():
    rows = []
    for day in range(4):
        for _ in range(150):
            card = int(RNG.integers(0, 60))
            fraud = bool(RNG.random() < (0.3 if card < 8 else 0.01))
            score = float(np.float32(RNG.random() * 0.7 + 0.3 * fraud))
            rows.append([day, card, score, fraud])
    k, found, precisions = 5, set(), []
    for day in range(4):
        today = [row for row in rows if row[0] == day and row[1] not in found]
        best = {card: max(r[2] for r in today if r[1] == card) for card in {r[1] for r in today}}
        looked = sorted(best, key=lambda card: (-best[card], card))[:k]
        caught = {card for card in looked if any(r[3] for r in today if r[1] == card)}
        precisions.append(len(caught) / k)
        found |= caught
    return {"payments": rows, "k": k, "card-precision": sum(precisions) / len(precisions)}


def main():
    expected = {
        "binary": binary(), "classes": classes(), "values": values(), "prequential": prequential(), "cards": cards(),
    }
    path = pathlib.Path(__file__).parent / "expected.json"
    path.write_text(json.dumps(expected, separators=(",", ":")) + "\n")


main()
