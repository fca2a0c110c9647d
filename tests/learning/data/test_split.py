"""People who are kept for testing."""

from idennet.learning.data.split import held_out


def test_a_fifth_of_people_is_held_out_by_name_alone() -> None:
    people = [f"Person_{number}" for number in range(5000)]
    share = sum(map(held_out, people)) / len(people)
    assert 0.18 < share < 0.22


def test_who_is_held_out_never_changes() -> None:
    """Weights were trained without these people; another rule would test on what was learned."""
    names = [
        "Aaron_Peirsol",
        "Abdullah_Gul",
        "Adrien_Brody",
        "Al_Gore",
        "Alejandro_Toledo",
        "Ana_Guevara",
        "Andre_Agassi",
    ]
    assert [name for name in names if held_out(name)] == ["Aaron_Peirsol", "Ana_Guevara", "Andre_Agassi"]
