"""`idennet compare`: are two systems different, judged on the same faces?"""

from pathlib import Path
from typing import Annotated

import typer


def compare_command(
    first: Annotated[Path, typer.Argument(help="Result of idennet evaluate.")],
    second: Annotated[Path, typer.Argument(help="Result of another system on the same faces.")],
) -> None:
    """Compare two results of one protocol, subject by subject.

    [bold]idennet compare ours.json theirs.json[/bold]
    """
    from rich.console import Console

    from idennet.cli.scores import print_comparison
    from idennet.learning.evaluation.comparison import Comparison
    from idennet.learning.evaluation.result_files import read_result

    print_comparison(Console(), Comparison.of_shared(read_result(first), read_result(second)))
