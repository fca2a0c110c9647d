"""What the end of a run says about its people: who has no zero, and who may have been taken for one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from idennet.cli.words import person, some
from idennet.facs import columns

if TYPE_CHECKING:
    from idennet.cli.counts import Summary
    from idennet.people.doubts import Doubts
    from idennet.people.following import Following


def people_remarks(
    following: "Following", summary: "Summary", zero: str | None, *, apart: bool
) -> Iterator[str]:
    """Yield sentences about the people of a run.

    Args:
        following: What told them apart.
        summary: Counts of the run.
        zero: Which zero was asked for.
        apart: Whether people were told apart.
    """
    if told := doubtful(following.doubts):
        yield told
    if nobody := following.perhaps_nobody:
        who = some([person(number, following.names) for number in nobody])
        yield f"Perhaps no face at all: {who}, small and partly covered in every picture; look at these."
    if following.without_zero:
        yield _without_zero(following)
    if moving := [(who, aus) for who, aus in following.moving_rest.items() if aus]:
        yield _moving(following, moving)
    if zero and (several := _several(following, summary, apart=apart)):
        remark = f"--zero {zero} takes all faces for one person's, but {several}; add --people to take "
        yield f"{remark}from each person only the own zero."


def doubtful(doubts: "Doubts") -> str:
    """Return which persons may be several people, and why; "" where nothing is doubtful."""
    why = "These faces look as if taken in one place, where different people easily get one number"
    each = some(
        [f"person {one.person} ({one.faces} faces: {one.one} beside {one.other})" for one in doubts.persons]
    )
    check = f"check whether each of these is one person, and read apart who is not: {each}."
    if not doubts.persons:
        return f"{why}; compare the pictures of each person." if doubts.in_one_place else ""
    return f"{why}; {check}" if doubts.in_one_place else f"C{check[1:]}"


def _without_zero(following: "Following") -> str:
    if len(following.without_zero) == len(following.people):
        return "Nobody has a zero: nothing neutral was seen of anybody, so all zeroed values are empty."
    who = some([person(number, following.names) for number in following.without_zero])
    return f"No zero for {who}: nothing neutral was seen of them, so their zeroed values are empty."


def _moving(following: "Following", moving: list[tuple[int, list[int]]]) -> str:
    several = len(following.people) > 1
    whose = [f" ({person(number, following.names)})" if several else "" for number, _ in moving]
    named = [", ".join(columns(aus)) + who for who, (_, aus) in zip(whose, moving, strict=True)]
    return (
        f"What was given as neutral shows {some(named)} in most of its pictures, which counts as the resting "
        "face now; give pictures, or a range, of a face at rest."
    )


def _several(following: "Following", summary: "Summary", *, apart: bool) -> str:
    """Return what says that several people were taken for one; "" where nothing does."""
    told = []
    if strangers := following.strangers:
        shows = "face clearly shows" if strangers == 1 else "faces clearly show"
        told.append(f"{strangers} {shows} somebody else than it does")
    if summary.crowd.faces > 1 and not apart:
        told.append(str(summary.crowd))
    return ", and ".join(told)
