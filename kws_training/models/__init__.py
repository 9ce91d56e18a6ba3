"""Networks, one file each, written with `keras` and `keras.ops` only."""
