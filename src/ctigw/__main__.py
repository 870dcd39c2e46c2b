"""Entry point of `python -m ctigw`; knows only where the command line begins."""

from ctigw.cli import main

if __name__ == "__main__":
    main()
