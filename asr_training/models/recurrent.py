"""Gated recurrent layers over the real frames, in the form that LiteRT's builtin operators can run.

Keras' own GRU converts as a while loop with dynamic time, if the batch is of one (export builds its twin so) and no
recurrent dropout is left in it, whose random state becomes a resource variable (`exact` of the settings).
"""

from typing import Any

from keras import layers


def gru(
    x: Any,
    mask: Any,
    units: int,
    name: str,
    *,
    bidirectional: bool = True,
    activation: str = "tanh",
    recurrent_dropout: float = 0.0,
    dtype: str = "float32",
) -> Any:
    """Return the states of both directions side by side, (b, t, 2 units), or of one, (b, t, units); zero in padding.

    Args:
        x: (b, t, c).
        mask: of the real frames, (b, t, 1): the backward direction begins at the last of them.
        units: GRU cells of each direction (Cho et al. 2014, with the reset gate behind the product, as cuDNN has it).
        name: of the layer.
        bidirectional: both directions.
        activation: of the candidate.
        recurrent_dropout: of the state, in training.
        dtype: of the products.
    """
    cells = layers.GRU(
        units,
        return_sequences=True,
        activation=activation,
        recurrent_dropout=recurrent_dropout,
        dtype=dtype,
        name=f"{name}_cells",
    )
    if bidirectional:
        cells = layers.Bidirectional(cells, name=name)
    return cells(x, mask=mask[..., 0] > 0) * mask
