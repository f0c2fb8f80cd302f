// What a page says beside its numbers, brought to what they are now.

// Where the rows of an embedding come from: its indices may have changed.
function followIndices() {
  for (const { how, value } of DATA.cards) {
    if (!how?.indices) continue;
    const [x, indices] = [how.inputs[0], how.indices].map((id) => CARDS.get(id));
    const rest = product(x.value.shape.slice(1)); // numbers of a row
    const rows = numbersAt(PROGRAM, indices.at.value);
    const width = value.shape.at(-1) ?? 1;
    how.origins = value.rows.map((row) =>
      value.columns.map((column) => {
        const at = row * width + column;
        return [0, rows[Math.floor(at / rest)] * rest + (at % rest)];
      }),
    );
  }
}

// Whether each row of weights still adds up to 1: not if one of them is nan.
function stillAddsUp(card) {
  if (!LIVE) return true;
  const numbers = numbersAt(PROGRAM, card.at.value);
  const width = card.value.shape.at(-1);
  for (let i = 0; i < numbers.length; i += width) {
    const sum = numbers.slice(i, i + width).reduce((p, q) => p + q, 0);
    if (!(Math.abs(sum - 1) < 1e-3) && sum !== 0) return false;
  }
  return true;
}
