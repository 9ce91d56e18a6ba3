"""The one door for skills."""
