"""Results become tables, figures, an HTML page and a model card."""
