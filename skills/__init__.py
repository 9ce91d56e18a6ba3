"""Built-in skills, one module each."""
