"""What a client is told when something is refused: a status and one sentence."""

from idennet.errors import IdenNetError


class RefusedError(IdenNetError):
    """A request is refused.

    Attributes:
        status: Of the HTTP answer.
        wait: Seconds after which trying again may help, or None.
    """

    def __init__(self, status: int, sentence: str, wait: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.wait = wait


def quoted(name: str, most: int = 60) -> str:
    """Return a name in quotes, shortened where that has more than so many bytes."""
    shown, name = repr(name), name[:most]
    while len(shown.encode()) > most:
        shown, name = repr(f"{name}…"), name[:-1]
    return shown
