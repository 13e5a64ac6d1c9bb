"""The command ``beffroi``, and ``python -m beffroi``."""

import sys


def main() -> None:
    """Run the command line; a compiled part that does not load is explained rather than traced."""
    try:
        from beffroi.cli import app
    except ImportError as error:
        if error.name != "beffroi._core":
            raise
        print(  # noqa: T201 - nothing else works yet
            f"beffroi's compiled part does not load: {error}\n"
            "install it again (pip install --force-reinstall beffroi), or build it in a checkout (make run)",
            file=sys.stderr,
        )
        sys.exit(2)
    app(prog_name="beffroi")


if __name__ == "__main__":
    main()
