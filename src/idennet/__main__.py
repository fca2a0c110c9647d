"""`python -m idennet` is the same as `idennet`."""

from idennet.cli.main import app

app(prog_name="idennet")
