"""The page that plays: one HTML file with everything it needs inside.

    sizes.py     the size of each card
    sums.py      how each number of a card was computed
    summary.py   the sentence with which it opens
    attending.py where attention weights, logits and tokens lie
    live.py      the programs that compute all numbers anew
    moments.py   what the leaves were at each moment of a training
    plain_numbers.py  numbers between the cards, such as √d_k, which can be changed too
    switches.py  a mask, √d_k, the order of tokens: what can be switched
    neighbours.py  neighbours that stand as one card, where there are no modules
    views.py     where the cards stand, for each state of what is open
    script.py    the page's data: cards, links and steps
    operations.py  the steps inside an operation, which opens in place
    tour.py      the stops of a tour, with their words
    playable.py  what `play` returns: the page's text, which shows itself
    assemble.py  puts data, scripts and styles into one file

The scripts, the styles and the HTML are in the same folder. These files may import
look/, layout/, sheets/, graph/ and program/living.py.
"""
