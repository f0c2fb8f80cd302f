"""Pictures and pages, drawn from the plain data of `tinygrad_attn.graph`.

    look/        colours, texts, heat maps
    sheets/      what a picture shows: cards and the lines between them
    layout/      where everything stands
    writing/     a sheet written down: SVG, DOT
    page/        the page that plays
    heads/       where each head looks: heat maps and lines
    draw.py      `draw`, from a recorded computation to a picture
    play.py      `play`, from a recorded computation to a page
    notebook.py  how things show themselves in a notebook

Each may import those before it, and all of the engine.
"""
