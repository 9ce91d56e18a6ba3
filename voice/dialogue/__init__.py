"""Dialogue sessions: one per site, queued, always ended."""
