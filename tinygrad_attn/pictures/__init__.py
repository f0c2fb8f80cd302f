"""Pictures and pages, drawn from the plain data of `tinygrad_attn.graph`.

    look/        colours, texts, heat maps
    sheets/      the content of a picture: cards and the lines between them
    layout/      a place for every card and a path for every line
    writing/     a sheet as SVG or DOT
    page/        the page that plays
    heads/       the attention weights of each head: heat maps and lines
    history.py   `History`, what a model has learned at some moments of its training
    drawing.py   `Drawing`, a picture that can be shown and saved
    draw.py      `draw`, from a recorded computation to a picture
    play.py      `play`, from a recorded computation to a page
    notebook.py  Tensors, Values, modules and graphs in a notebook

Each may import those before it, and all of the engine.
"""
