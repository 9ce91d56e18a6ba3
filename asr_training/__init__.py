"""Train CTC speech recognition: the `asr-train` command."""
