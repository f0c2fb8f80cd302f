"""What stands around the steps of a program in JavaScript: memory, what is given.

The lines of a text that are the same for all programs.
"""

from __future__ import annotations

# Before all arrays. @array@ stands for how one is made.
MEMORY = """\
const program = {
  inputs: {}, randoms: {}, // given at each step
  parameters: {}, constants: {}, state: {}, // to be loaded
  vectors: {}, fixed: {}, locals: {}, views: {}, // the program's own
};
const notLoaded = new Set();

// Number (i, j) of a tensor is array[offset + i * strides[0] + j * strides[1]].
function makeTensor(array, offset, dtype, shape, strides) {
  strides ??= shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  return { array, offset, dtype, shape, strides };
}

function sizeOf(shape) {
  return shape.reduce((size, n) => size * n, 1);
}

// Memory for a tensor: its own, or a part of another's.
function memory(group, name, dtype, shape, home, start = 0) {
  const size = sizeOf(shape);
@array@
  if (group === "parameters" || group === "constants") notLoaded.add(name);
  return array;
}
"""
TYPED = """\
  const kinds = { float32: Float32Array, bool: Uint8Array };
  const array = home
    ? home.subarray(start, start + size)
    : new (kinds[dtype] ?? Float64Array)(size);
  program[group][name] = makeTensor(array, 0, dtype, shape);"""
PLAIN = """\
  const array = home ?? new Array(size).fill(0);
  program[group][name] = makeTensor(array, start, dtype, shape);"""

# After the step.
GIVEN = """\
// Numbers one after the other, of flat ones or of rows; null if the shape is another.
function flatNumbers(numbers, shape) {
  if (typeof numbers !== "object" || numbers === null) {
    return shape.length ? null : [numbers];
  }
  if (typeof numbers[0] !== "object") {
    return numbers.length === sizeOf(shape) ? numbers : null;
  }
  if (shape.length < 2 || numbers.length !== shape[0]) return null;
  const rows = Array.from(numbers, (row) => flatNumbers(row, shape.slice(1)));
  return rows.includes(null) ? null : rows.flatMap((row) => Array.from(row));
}

// Copies numbers into a tensor.
function putNumbers(who, name, { array, offset, dtype, shape }, numbers) {
  const flat = flatNumbers(numbers, shape);
  if (flat === null) {
    throw new RangeError(
      `${who}: ${name} must be numbers of shape (${shape.join(", ")}), flat or in rows`
    );
  }
  const wanted = dtype === "int64" ? "whole numbers of at most 2 ** 53" : "numbers";
  for (let i = 0; i < flat.length; i++) {
    const v = typeof flat[i] === "boolean" ? Number(flat[i]) : flat[i];
    const exact = Number.isInteger(v) && Math.abs(v) <= 2 ** 53;
    if (typeof v !== "number" || (dtype === "int64" && !exact)) {
      throw new RangeError(`${who}: ${name} has ${v}; it must be ${wanted}`);
    }
    array[offset + i] = dtype === "bool" ? Number(v !== 0) : v;
  }
}

// Copies numbers into parameters, constants and an optimizer's state, by name.
function loadNumbers(numbers) {
  const known = { ...program.parameters, ...program.constants, ...program.state };
  for (const [name, given] of Object.entries(numbers)) {
    if (!Object.hasOwn(known, name)) {
      const names = Object.keys(known).join(", ");
      throw new RangeError(`load: ${name} given; there are ${names}`);
    }
    putNumbers("load", name, known[name], given);
    notLoaded.delete(name);
  }
}

// Copies what is given for a step. Random numbers that are not given are drawn.
function takeGiven(given, scalars) {
  const tensors = { ...program.inputs, ...program.randoms };
  const names = [...Object.keys(tensors), ...scalars];
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`step: ${unknown} given; it takes ${names.join(", ")}`);
  }
  if (notLoaded.size) {
    const name = [...notLoaded].join(", ");
    throw new Error(`step: no numbers of ${name} yet; load({ name: numbers }) does it`);
  }
  for (const [name, tensor] of Object.entries(tensors)) {
    if (Object.hasOwn(given, name)) putNumbers("step", name, tensor, given[name]);
    else if (Object.hasOwn(program.inputs, name)) {
      throw new RangeError(`step: no ${name} given; it takes ${names.join(", ")}`);
    } else {
      const drawn = Array.from({ length: sizeOf(tensor.shape) }, Math.random);
      putNumbers("step", name, tensor, drawn);
    }
  }
}

// A plain number that is given, or the usual one.
function takeNumber(name, v, usual) {
  const number = v === undefined ? usual : v;
  if (typeof number === "number") return number;
  throw new TypeError(`step: ${name} is ${number}; it must be a number`);
}

// The numbers of a tensor, row by row, in an array of their own.
function readTensor({ array, offset, shape, strides }) {
  let places = [offset];
  for (const [axis, size] of shape.entries()) {
    const along = Array.from({ length: size }, (_, i) => i * strides[axis]);
    places = places.flatMap((place) => along.map((more) => place + more));
  }
  return places.map((place) => array[place]);
}
"""
REQUIRED = 'if (typeof module === "object") module.exports = { createProgram };'
SHOWN = "return Object.assign(program, { load: loadNumbers, step, read: readTensor });"
