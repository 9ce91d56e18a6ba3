"""Networks, written with keras and keras.ops only."""
