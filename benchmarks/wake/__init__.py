"""The wake-word benchmark's parts: the audio, what is counted, the engines that hear it, tables and plot."""
