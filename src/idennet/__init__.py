"""IdenNet: facial Action Units from photographs, with identity modelled and removed."""

__version__ = "0.1.0"
