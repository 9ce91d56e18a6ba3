"""`python -m voice` and the `voice` command."""

from voice.cli import main

if __name__ == "__main__":
    main()
