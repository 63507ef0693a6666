"""The guide under ``/docs``: Markdown kept with the program, shown as pages."""
