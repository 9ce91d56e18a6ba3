"""The shipped recordings: synthetic speech made by `synthesise.py`, and what must come of it in `script.yaml`."""
