"""IdenNet inside a program of one's own: smiles of a folder of photographs, as a table.

python examples/embed.py photos/ smiles.csv
"""

import sys
from pathlib import Path

import idennet

SMILE = 12


def main(folder: str, table: str) -> None:
    """Print a line for each photograph, and write the table."""
    photographs = sorted(path for path in Path(folder).iterdir() if path.is_file())
    results = idennet.detect(photographs)
    for result in results:
        smiling = sum(face.au_occurrences[SMILE] or 0 for face in result.faces)
        print(result.error or f"{result.source}: {smiling} of {len(result.faces)} smile")
    results.to_pandas().to_csv(table, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
