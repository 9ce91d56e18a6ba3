"""Decoding: CTC search over the acoustic model's log-probabilities."""
