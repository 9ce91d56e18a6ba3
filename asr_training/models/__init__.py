"""Networks, one file each, written with `keras` and `keras.ops` only: `build` makes any of them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def build(
    settings: Any, n_bins: int, n_labels: int, *, n_phones: int = 0, batch_size: int | None = None
) -> "keras.Model":
    """Return a network: features (b, t, bins) to CTC logits (b, label frames, labels), not softmaxed.

    t is a multiple of `settings.subsampling`; frames that are zero in every bin are padding. With
    `settings.phone_block` a further output has phone logits, with `settings.inter_block` another the labels' after that
    block.

    Args:
        settings: of any kind, `asr_training.models.settings`.
        n_bins: feature bins.
        n_labels: CTC labels, blank (0) included.
        n_phones: CTC labels of the phone head, blank included.
        batch_size: fixed for export, None for training.
    """
    module = import_module(f"asr_training.models.{settings.kind}")
    return module.build(settings, n_bins, n_labels, n_phones=n_phones, batch_size=batch_size)
