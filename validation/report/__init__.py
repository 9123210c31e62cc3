"""What becomes of the results: text on the terminal, the JSON file, and the page.

`record` makes one dictionary of a run, which is what `--json` writes; `text` and `page` show it.
"""
