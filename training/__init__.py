"""What both trainings share: several processes that train one network."""
