"""Everything compared with IdenNet, trained and judged under one protocol, and its tables."""
