"""The colours of cards."""

# kind of a card → the colours of its border and of its head
LOOKS = {
    "input": ("#a9bdd4", "#e4ecf5"),
    "parameter": ("#d9a520", "#fdf0d0"),
    "constant": ("#c4c4c4", "#f3f3f3"),
    "op": ("#aab7c4", "#ebeff3"),
    "softmax": ("#5d97c8", "#dcebf8"),
    "loss": ("#d0565f", "#fde1e3"),
    "module": ("#d9a520", "#fdf0d0"),
}
