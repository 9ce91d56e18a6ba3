"""The Hermes bus: topics, the in-process hub, the MQTT link and the embedded broker."""
