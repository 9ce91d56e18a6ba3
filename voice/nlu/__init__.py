"""Understanding: sentence templates, their decoding graph, and parsing of text."""
