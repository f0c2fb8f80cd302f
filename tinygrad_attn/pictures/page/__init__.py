"""The page that plays: one HTML file with everything it needs inside.

    sizes.py     how large a card of the page is
    sums.py      how each number of a card came about
    assemble.py  data, scripts and styles become one file

The scripts, styles and the HTML lie beside them. It may import look/ and graph/.
"""
