"""``warranty completion``: what a shell needs to complete commands, options and words. Nothing is opened for it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM, VARIABLE = "warranty", "_WARRANTY_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    r"""Print what SHELL needs to complete commands, options and words.

    For bash put this line into ~/.bashrc; zsh and fish take theirs alike:

    \b
        eval "$(warranty completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click has all three
    click.echo(kind(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
