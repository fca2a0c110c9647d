"""What faces do: combinations of Action Units that occur together, after FACS and the pain literature.

A prototype lists its members with the probability that each joins and the range of its intensity. The words
of everyday emotion are only names of combinations here; a face does not prove what its owner feels.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Member:
    """One Action Unit of a prototype.

    Attributes:
        au: The Action Unit.
        probability: How often it joins when the prototype is drawn.
        low: Smallest intensity, 0 to 1.
        high: Largest intensity, 0 to 1.
        spread: How unequal the two sides are, 0 (alike) to 1 (one side only).
    """

    au: int
    probability: float = 1.0
    low: float = 0.2
    high: float = 1.0
    spread: float = 0.15


@dataclass(frozen=True)
class Prototype:
    """A combination of Action Units and how often it is drawn, relative to the others."""

    name: str
    weight: float
    members: tuple[Member, ...] = field(default=())


def _members(core: tuple[int, ...], sometimes: dict[int, float] | None = None) -> tuple[Member, ...]:
    some = sometimes or {}
    return (*(Member(au, 0.94) for au in core), *(Member(au, chance) for au, chance in some.items()))


EMOTIONAL: tuple[Prototype, ...] = (
    Prototype("smile", 8.5, _members((6, 12), {7: 0.15})),
    Prototype(
        "toothy smile",
        9.5,
        (Member(12, 1.0, 0.35), Member(25, 1.0, 0.35), Member(6, 0.75), Member(26, 0.2), Member(7, 0.15)),
    ),
    Prototype("laugh", 2.2, _members((6, 12, 25, 26), {43: 0.3, 7: 0.3, 9: 0.12, 1: 0.1})),
    Prototype(
        "laugh with closed eyes",
        2.4,
        (Member(43, 1.0, 0.5), Member(12, 1.0, 0.4), Member(6, 0.95, 0.3), Member(25, 0.9), Member(26, 0.4)),
    ),
    Prototype("mild smile", 6.0, (Member(12, 1.0, 0.2, 0.55), Member(6, 0.2, 0.1, 0.4))),
    Prototype(
        "talking smile", 2.5, (Member(12, 1.0, 0.2, 0.6), Member(25, 1.0, 0.3), Member(26, 0.5, 0.2, 0.7))
    ),
    Prototype(
        "straight-lipped smile",
        4.5,
        (Member(12, 1.0, 0.25, 0.65), Member(25, 1.0, 0.4, 1.0), Member(20, 0.15, 0.2, 0.6), Member(6, 0.5)),
    ),
    Prototype(
        "pressed smile", 4.0, (Member(12, 1.0, 0.2, 0.7), Member(24, 0.7), Member(17, 0.25), Member(6, 0.4))
    ),
    Prototype("smirk", 0.9, (Member(12, 1.0, 0.3, 0.8, 0.9), Member(14, 0.4, spread=0.8))),
    Prototype("surprise", 4.0, _members((1, 2, 5, 25), {26: 0.55, 27: 0.35})),
    Prototype("interest", 1.0, _members((1, 2), {5: 0.4})),
    Prototype("anger", 1.8, _members((4, 7), {5: 0.25, 23: 0.55, 24: 0.5, 17: 0.3, 9: 0.15})),
    Prototype("shouting", 0.7, _members((4, 7, 25), {9: 0.4, 10: 0.5, 26: 0.5, 27: 0.3})),
    Prototype("disgust", 3.4, _members((9,), {10: 0.55, 4: 0.55, 7: 0.5, 25: 0.35, 17: 0.3, 6: 0.2})),
    Prototype("raised lip", 3.2, _members((10,), {25: 0.2, 4: 0.3, 7: 0.3, 17: 0.15})),
    Prototype("sadness", 1.8, _members((1, 4, 15), {17: 0.5, 6: 0.2, 43: 0.1})),
    Prototype("pout", 2.8, _members((15, 17), {24: 0.3, 18: 0.1})),
    Prototype("fear", 2.4, _members((1, 2, 4, 5, 20, 25), {26: 0.35})),
    Prototype(
        "contempt", 1.8, (Member(14, 1.0, 0.35, 1.0, 0.85), Member(12, 0.15, 0.15, 0.4, 0.8), Member(24, 0.2))
    ),
    Prototype("dimpled lips", 2.4, _members((14,), {24: 0.3, 23: 0.3, 17: 0.2})),
    Prototype("pain", 1.6, _members((4, 6, 7), {9: 0.5, 10: 0.5, 43: 0.6, 25: 0.35, 20: 0.25})),
    Prototype(
        "yawn",
        3.4,
        (Member(27, 1.0, 0.5), Member(25, 1.0, 0.5), Member(43, 0.7, 0.7), Member(4, 0.3), Member(1, 0.2)),
    ),
    Prototype("closed eyes", 3.0, (Member(43, 1.0, 0.4), Member(25, 0.15, 0.2, 0.6))),
    Prototype("wince", 0.8, _members((7, 43), {4: 0.6, 6: 0.5, 20: 0.5, 25: 0.3, 12: 0.2})),
    Prototype("grimace", 3.4, _members((20,), {25: 0.3, 15: 0.15, 4: 0.3})),
    Prototype("doubt", 1.6, _members((1, 2, 15), {17: 0.5, 14: 0.2})),
    Prototype("frown of thought", 1.0, _members((4,), {24: 0.3, 23: 0.3, 18: 0.15, 28: 0.15, 7: 0.2})),
    Prototype("pucker", 5.0, _members((18,), {4: 0.2, 43: 0.15, 23: 0.15, 1: 0.1, 2: 0.1})),
    Prototype("funnel", 5.6, _members((22, 25), {1: 0.15, 2: 0.15, 18: 0.1, 26: 0.3})),
    Prototype("sucked lips", 6.5, _members((28,), {4: 0.2, 1: 0.1, 26: 0.3, 14: 0.1})),
    Prototype("tight lips", 3.2, _members((23,), {24: 0.35, 17: 0.3, 4: 0.25})),
)
"""Whole-face expressions."""

SPEECH: tuple[Prototype, ...] = (
    Prototype("open vowel", 1.6, (Member(25, 1.0, 0.3, 0.9), Member(26, 0.8, 0.2, 0.8))),
    Prototype(
        "wide vowel", 1.2, (Member(25, 1.0, 0.3, 0.8), Member(20, 0.5, 0.1, 0.5), Member(26, 0.3, 0.1, 0.4))
    ),
    Prototype(
        "rounded vowel",
        1.2,
        (Member(22, 0.8, 0.2, 0.8), Member(25, 1.0, 0.2, 0.7), Member(18, 0.2, 0.2, 0.5)),
    ),
    Prototype(
        "closed consonant",
        0.9,
        (Member(24, 0.6, 0.15, 0.5), Member(23, 0.3, 0.15, 0.5), Member(28, 0.15, 0.2, 0.5)),
    ),
    Prototype(
        "teeth on lip", 0.6, (Member(25, 1.0, 0.2, 0.5), Member(10, 0.4, 0.1, 0.4), Member(17, 0.4, 0.2, 0.5))
    ),
)
"""Shapes of the mouth in speech, mostly weak."""

CONFUSABLE: tuple[Prototype, ...] = (
    Prototype("squint", 1.0, (Member(7, 1.0, 0.4), Member(4, 0.3, 0.15, 0.5))),
    Prototype("parted lips", 2.0, (Member(25, 1.0, 0.2, 1.0),)),
    Prototype("parted lips, squint", 0.6, (Member(25, 1.0, 0.2, 1.0), Member(7, 1.0, 0.3), Member(6, 0.4))),
    Prototype("hanging jaw", 1.0, (Member(25, 1.0, 0.2, 0.8), Member(26, 1.0, 0.2, 1.0))),
    Prototype("raised cheeks", 1.0, (Member(6, 1.0, 0.3), Member(7, 0.4))),
    Prototype("lip stretch", 0.6, (Member(20, 1.0, 0.4), Member(25, 0.6, 0.2, 0.6))),
    Prototype("dimples", 0.5, (Member(14, 1.0, 0.4),)),
)
"""What is easily taken for a smile or for closed eyes but is not."""

ONE_SIDED: tuple[Prototype, ...] = (
    Prototype(
        "wink",
        4.0,
        (
            Member(43, 1.0, 0.5, spread=1.0),
            Member(6, 0.45, 0.2, 0.9, 1.0),
            Member(12, 0.35, 0.2, 0.9, 0.9),
            Member(7, 0.2, 0.2, 0.6),
            Member(4, 0.15, 0.2, 0.6, 0.8),
            Member(25, 0.2, 0.2, 0.8),
        ),
    ),
    Prototype(
        "winking smile",
        1.2,
        (Member(43, 1.0, 0.5, spread=1.0), Member(12, 1.0), Member(6, 0.6), Member(25, 0.6, 0.3)),
    ),
    Prototype(
        "one raised brow",
        1.2,
        (Member(2, 1.0, 0.35, spread=1.0), Member(1, 0.5, 0.2, 0.9, 0.95), Member(5, 0.15, 0.2, 0.7, 0.9)),
    ),
    Prototype(
        "one-sided smile",
        1.6,
        (Member(12, 1.0, 0.3, 1.0, 0.95), Member(6, 0.3, 0.2, 0.8, 0.9), Member(25, 0.35, 0.2, 0.8)),
    ),
    Prototype(
        "one-sided sneer",
        0.7,
        (Member(10, 1.0, 0.35, 1.0, 1.0), Member(9, 0.4, 0.2, 0.8, 0.9), Member(7, 0.2)),
    ),
)
"""What mostly happens on one side."""

LIMITED_PAIRS: tuple[tuple[int, int, float], ...] = (
    (4, 12, 0.5),
    (5, 12, 0.4),
    (9, 12, 0.4),
    (10, 12, 0.5),
    (12, 15, 0.1),
    (12, 17, 0.4),
    (12, 23, 0.4),
    (12, 20, 0.25),
    (9, 10, 0.6),
    (23, 24, 0.7),
    (15, 20, 0.4),
    (5, 7, 0.5),
    (10, 15, 0.3),
    (5, 43, 0.0),
    (12, 18, 0.0),
    (12, 22, 0.05),
    (12, 28, 0.1),
    (14, 18, 0.0),
    (14, 22, 0.0),
    (14, 27, 0.0),
    (15, 27, 0.0),
    (17, 26, 0.2),
    (17, 27, 0.0),
    (17, 28, 0.2),
    (18, 20, 0.0),
    (18, 27, 0.0),
    (18, 28, 0.0),
    (20, 22, 0.0),
    (20, 28, 0.0),
    (22, 23, 0.1),
    (22, 24, 0.0),
    (22, 27, 0.0),
    (22, 28, 0.0),
    (23, 26, 0.0),
    (23, 27, 0.0),
    (23, 28, 0.0),
    (24, 25, 0.0),
    (24, 26, 0.1),
    (24, 27, 0.0),
    (24, 28, 0.0),
    (25, 28, 0.0),
    (26, 27, 0.0),
    (27, 28, 0.0),
)
"""Pairs that muscles or the coding rules keep apart, with the chance that a drawn pair stays."""
