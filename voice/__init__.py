"""Earshot: a private, local voice assistant. See `docs/architecture.md` for the map."""

__version__ = "0.1.0"
