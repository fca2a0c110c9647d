"""Who is in the licensed data sets, and the lists of subjects that others published for them.

Names are those of the data sets (`F001`), without the corpus. Sources: the file lists of public code, and for
the second BP4D list what its author's files are said to hold; docs/protocols.md tells the differences.
"""

Subjects = tuple[str, ...]


def _names(text: str) -> Subjects:
    return tuple(text.split())


BP4D_SUBJECTS: Subjects = (
    *(f"F{number:03d}" for number in range(1, 24)),
    *(f"M{number:03d}" for number in range(1, 19)),
)
"""23 women, 18 men."""

DISFA_SUBJECTS: Subjects = tuple(
    f"SN{number:03d}" for number in (*range(1, 14), 16, 17, 18, 21, *range(23, 33))
)
"""27 adults; the numbers have gaps."""

UNBC_SUBJECTS: Subjects = _names("""
    042-ll042 043-jh043 047-jl047 048-aa048 049-bm049 052-dr052 059-fn059 064-ak064 066-mg066
    080-bn080 092-ch092 095-tv095 096-bg096 097-gf097 101-mg101 103-jk103 106-nm106 107-hs107
    108-th108 109-ib109 115-jy115 120-kz120 121-vw121 123-jh123 124-dn124
""")
"""25 patients; initials repeat, so the whole folder name is the subject."""

SUBJECTS: dict[str, Subjects] = {"bp4d": BP4D_SUBJECTS, "disfa": DISFA_SUBJECTS, "unbc": UNBC_SUBJECTS}
"""Everybody of a corpus that has a fixed list."""

BP4D_DRML: tuple[Subjects, ...] = (
    _names("F001 F002 F008 F009 F010 F016 F018 F023 M001 M004 M007 M008 M012 M014"),
    _names("F003 F005 F011 F013 F020 F022 M002 M005 M010 M011 M013 M016 M017 M018"),
    _names("F004 F006 F007 F012 F014 F015 F017 F019 F021 M003 M006 M009 M015"),
)
"""Three parts of DRML, JAA-Net, AUNets, ME-GraphAU and most later papers."""

BP4D_ROINET: tuple[Subjects, ...] = (
    _names("F012 F015 F016 F017 F018 F019 F020 F021 F022 F023 M013 M014 M015 M016 M017 M018"),
    _names("F008 F009 F010 F011 F013 F014 M007 M008 M009 M010 M011 M012"),
    _names("F001 F002 F003 F004 F005 F006 F007 M001 M002 M003 M004 M005 M006"),
)
"""Three parts that the author of ROI-Net and EAC-Net shipped; the first is what the other two leave over."""

BP4D_FERA2015: tuple[Subjects, ...] = (
    tuple(name for name in BP4D_SUBJECTS if int(name[1:]) % 2 == 1),
    tuple(name for name in BP4D_SUBJECTS if int(name[1:]) % 2 == 0),
)
"""Training and development part of the FERA 2015 challenge: odd and even numbers."""

DISFA_JAANET: tuple[Subjects, ...] = (
    _names("SN001 SN002 SN009 SN010 SN016 SN026 SN027 SN030 SN032"),
    _names("SN006 SN011 SN012 SN013 SN018 SN021 SN024 SN028 SN031"),
    _names("SN003 SN004 SN005 SN007 SN008 SN017 SN023 SN025 SN029"),
)
"""Three parts of JAA-Net, ME-GraphAU, FG-Net, LibreFace and others."""
