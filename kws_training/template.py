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
from kws_training.models.backbone import head_network
from kws_training.models.settings import HeadSettings
from kws_training.word_clips import Placed

HEAD = HeadSettings(blocks=(), dropout=0.0)
_SHRINKAGE = 0.1
"""Share of the covariance that is taken to be alike in all directions (Ledoit and Wolf 2004)."""
_LATE = 3
"""Embeddings after the phrase's end at which it shall score, too."""
_AT_TAKES = 4.0
"""Logit of the average take."""
_SPREAD = 6.0
"""Logits from the average stretch of running speech to the average take."""


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
    weights *= _SPREAD / float((weights * template).sum())
    head = head_network(HEAD, width, n_pooled)
    bias = _AT_TAKES - _SPREAD - float((weights * mean).sum())
    head.set_weights([weights[:, None, :, None], np.ones((width, 1)), np.array([bias])])
    return head
