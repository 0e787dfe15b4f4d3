"""`python -m tagsmith`: the command line without an installed script."""

from tagsmith.cli import main

if __name__ == "__main__":
    main()
