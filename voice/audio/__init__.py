"""Audio: sources, PCM, features."""
