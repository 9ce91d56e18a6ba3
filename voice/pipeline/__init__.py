"""The loop: segmenter, arbiter, session, assistant."""
