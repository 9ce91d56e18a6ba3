"""A wake word from three takes without training: how takes of it differ from other speech, in one solved equation.

The takes are varied (rooms, noise, level, speed) and embedded by the backbone; their mean, less the mean of running
speech and whitened by its covariance, is the filter that tells the two apart best if both were Gaussian with that
covariance (linear discriminant, Fisher 1936). It is a head like a trained one, without hidden layers, so the loop runs
it as any other.
"""

from collections.abc import Sequence

import keras
import numpy as np

from kws_training.embedded import Embeddings
from kws_training.few_shot import looks
from kws_training.models.backbone import head_network
from kws_training.models.settings import HeadSettings
from kws_training.word_clips import Placed

HEAD = HeadSettings(blocks=(), dropout=0.0)
_SHRINKAGE = 0.1
"""Share of the covariance that is taken to be alike in all directions (Ledoit and Wolf 2004)."""
_LATE = 3
"""Embeddings after the phrase's end at which it shall score, too."""
_AT_TAKES = 4.0
"""Logit of the usual take; that of what running speech reaches about once an hour is 0."""
_AN_HOUR = 90_000  # embeddings
_JUDGED = 100  # varied takes


def template_head(placed: Placed, speech: Sequence[Embeddings], n_pooled: int) -> keras.Model:
    """Return the head of a template.

    Args:
        placed: varied takes after the backbone.
        speech: running speech after the backbone.
        n_pooled: embeddings that a look covers.
    """
    other = np.concatenate([np.asarray(stream[:200_000], np.float32) for stream in speech])
    mean, width = other.mean(axis=0), other.shape[1]
    covariance = np.cov(other.T)
    covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * np.trace(covariance) / width * np.eye(width)
    ends = placed.end + np.arange(_LATE)
    windows = np.stack([placed.embeddings[:, end - n_pooled : end] for end in ends]).astype(np.float32)
    template = windows.mean(axis=(0, 1)) - mean  # (n_pooled, width)
    weights = np.linalg.solve(covariance, template.T).T
    head = head_network(HEAD, width, n_pooled)
    head.set_weights([weights[:, None, :, None], np.ones((width, 1)), np.zeros(1)])
    said = float(
        np.median(
            [
                looks(head, row[placed.end - n_pooled : placed.end + _LATE], n_pooled).max()
                for row in placed.embeddings[:_JUDGED]
            ]
        )
    )
    every = np.concatenate([looks(head, stream, n_pooled) for stream in speech if len(stream) >= n_pooled])
    seldom = float(np.quantile(every, 1 - 1 / _AN_HOUR))
    scale = _AT_TAKES / max(said - seldom, 1e-3 * abs(said - float(every.mean())))
    head.set_weights([scale * weights[:, None, :, None], np.ones((width, 1)), np.array([-scale * seldom])])
    return head
