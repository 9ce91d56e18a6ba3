"""Train wake words and command classifiers: the `kws-train` command."""
