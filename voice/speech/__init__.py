"""Speech out: text to speech and feedback sounds."""
