"""The look of pictures: colours, texts, heat maps.

    colours.py  the colour of a number, and its few digits
    looks.py    the colours of cards
    theme.py    the colours of pages, light and dark
    pages.py    a page: one HTML file with all that it needs (cells.js, names.js)
    text.py     names and tokens, made safe and short
    paths.py    where one is to be written
    showing.py  in a notebook, and in the reader's browser
    grids.py    a tensor as a heat map

These files may import graph/.
"""
