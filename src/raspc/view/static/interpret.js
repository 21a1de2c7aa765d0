// What the program means: the interpreter of graph/evaluate.py for one input.
// A column holds {ids, numbers}: the number of the value in its set, or NUMBER with the number beside it.

const UNDEFINED = -1;
const NUMBER = -2;
const SAME = 1e-9;

const number = (value) => ({ value, text: numberText(value) });

function numberText(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return String(Number(value.toPrecision(6)));
}

// Equal values have equal keys, whatever JSON made of them; booleans count as 0 and 1.
const valueKey = (value) => JSON.stringify(typeof value === "boolean" ? Number(value) : value);
const isNumber = (value) => typeof value === "number" || typeof value === "boolean";
const isListed = (domain) => domain.lo === undefined;

// A program with its tables unpacked and the number of each value in its set: the model's, or the condition of a domain.
const programOf = (nodes, causal) => ({
  nodes, causal,
  tables: nodes.map((node) => (node.cells ? unpack(node.cells) : null)),
  places: nodes.map((node) => node.domain && new Map(node.domain.values.map((value, i) => [valueKey(value), i]))),
});
const PROGRAM = programOf(NODES, CONFIG.causal);
const idOf = (run, place, value, otherwise) => run.places[place].get(valueKey(value)) ?? otherwise;

function interpret(ids, program = PROGRAM) {
  const run = { ...program, ids, length: ids.length, cells: [] };
  run.nodes.forEach((node, place) => run.cells.push(MEANINGS[node.kind](run, node, place)));
  return run;
}

const column = (run, one) => ({ ids: Int32Array.from({ length: run.length }, (_, t) => one(t)) });

function matrix(run, one) {
  const n = run.length;
  const bits = new Uint8Array(n * n);
  for (let q = 0; q < n; q++) {
    for (let k = 0; k < (run.causal ? q + 1 : n); k++) bits[q * n + k] = one(q, k) ? 1 : 0;
  }
  return { bits };
}

// The cell of a table at value numbers, in row-major order.
function cellAt(table, ids) {
  if (!table || ids.some((id) => id < 0)) return UNDEFINED;
  return table.data[ids.reduce((place, id, axis) => place * table.shape[axis] + id, 0)];
}

function affineColumn(run, node) {
  const numbers = Float64Array.from({ length: run.length }, (_, t) => node.args.reduce(
    (sum, arg, i) => sum + node.coefs[i] * numberAt(run, arg, t), node.bias));
  return { ids: new Int32Array(run.length).fill(NUMBER), numbers };
}

// −1, 0 or 1, as numbers of the value set; a special value stays itself.
function signAt(run, node, place, t) {
  const special = node.args.find((arg) => !isNumberAt(run, arg, t));
  if (special !== undefined) return idOf(run, place, run.nodes[special].domain.values[run.cells[special].ids[t]], UNDEFINED);
  const total = node.args.reduce((sum, arg, i) => sum + node.coefs[i] * numberAt(run, arg, t), node.bias);
  return idOf(run, place, Math.abs(total) < node.gap / 2 ? 0 : Math.sign(total), UNDEFINED);
}

function numberAt(run, place, t) {
  const { ids, numbers } = run.cells[place];
  if (ids[t] === NUMBER) return numbers[t];
  const value = run.nodes[place].domain.values[ids[t]];
  return isNumber(value) ? Number(value) : 0;
}

const isNumberAt = (run, place, t) => {
  const id = run.cells[place].ids[t];
  return id < 0 || isNumber(run.nodes[place].domain.values[id]);
};

// A column made of the keys that each query selects: `one` gives the number of the value, and the number beside it.
function gatheredColumn(run, node, one) {
  const { bits } = run.cells[node.selector];
  const n = run.length;
  const ids = new Int32Array(n);
  const numbers = new Float64Array(n);
  for (let q = 0; q < n; q++) {
    const keys = [];
    for (let k = 0; k < n; k++) if (bits[q * n + k]) keys.push(k);
    [ids[q], numbers[q]] = one(keys);
  }
  return { ids, numbers };
}

const aggregateColumn = (run, node, place) => gatheredColumn(run, node, (keys) => (
  node.single && keys.length > 1 ? [UNDEFINED, 0] : aggregated(run, node, place, keys)));

// What an aggregate gives for the selected keys: the default, the one value, or the mean of numbers.
function aggregated(run, node, place, keys) {
  const own = run.nodes[place].domain;
  const other = isListed(own) ? UNDEFINED : NUMBER;
  if (!keys.length) return [idOf(run, place, node.default, isNumber(node.default) ? other : UNDEFINED), isNumber(node.default) ? Number(node.default) : 0];
  const source = run.cells[node.source];
  const numbers = keys.map((k) => numberAt(run, node.source, k));
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  const mean = low === high ? low : numbers.reduce((a, b) => a + b, 0) / keys.length;
  const oneId = keys.every((k) => source.ids[k] === source.ids[keys[0]]);
  const several = keys.length > 1 && (!oneId || high - low > SAME * Math.max(1, Math.abs(high)));
  if (!several && source.ids[keys[0]] >= 0) {
    const value = run.nodes[node.source].domain.values[source.ids[keys[0]]];
    return [idOf(run, place, value, other), mean];
  }
  if (!keys.every((k) => isNumberAt(run, node.source, k))) return [UNDEFINED, 0];
  return [isListed(own) ? nearestNumber(own, mean) : NUMBER, mean];
}

// The sum of the numbers at the selected keys: a value of the set where it is listed, else a number beside the id.
const sumColumn = (run, node, place) => gatheredColumn(run, node, (keys) => {
  const total = keys.reduce((sum, k) => sum + numberAt(run, node.source, k), 0);
  return [keys.every((k) => isNumberAt(run, node.source, k)) ? placeOfSum(run, place, total) : UNDEFINED, total];
});

const placeOfSum = (run, place, total) => (
  isListed(run.nodes[place].domain) ? nearestNumber(run.nodes[place].domain, total) : NUMBER);

// Of the selected keys of each query those of the highest rank; `ranks` is −1 for a score that is no number.
function bestMatrix(run, node) {
  const { bits } = run.cells[node.selector];
  const ranks = run.cells[node.score].ids.map((id) => (id < 0 ? UNDEFINED : node.ranks[id]));
  const tops = Array.from({ length: run.length }, (_, q) => (
    ranks.reduce((top, rank, k) => (bits[q * run.length + k] ? Math.max(top, rank) : top), UNDEFINED)));
  return matrix(run, (q, k) => bits[q * run.length + k] && ranks[k] === tops[q]);
}

function nearestNumber(domain, wanted) {
  let best = UNDEFINED;
  let gap = SAME * Math.max(1, Math.abs(wanted));
  domain.values.forEach((value, i) => {
    if (isNumber(value) && Math.abs(value - wanted) <= gap) { gap = Math.abs(value - wanted); best = i; }
  });
  return best;
}

const MEANINGS = {
  token: (run) => column(run, (t) => run.ids[t]),
  index: (run) => column(run, (t) => t),
  length: (run) => column(run, () => run.length - 1),
  table: (run, node, place) => column(run, (t) => cellAt(run.tables[place], node.args.map((a) => run.cells[a].ids[t]))),
  affine: affineColumn,
  sign: (run, node, place) => column(run, (t) => signAt(run, node, place, t)),
  width: (run, node, place) => column(run, (q) => {
    const row = run.cells[node.selector].bits.subarray(q * run.length, (q + 1) * run.length);
    return idOf(run, place, row.reduce((a, b) => a + b, 0), UNDEFINED);
  }),
  aggregate: aggregateColumn,
  sum: sumColumn,
  select: (run, node, place) => matrix(run, (q, k) => cellAt(
    run.tables[place], [run.cells[node.key].ids[k], run.cells[node.query].ids[q]]) === 1),
  gate: (run, node) => matrix(run, (q, k) => {
    const bits = node.args.map((arg) => run.cells[arg].bits[q * run.length + k]);
    return node.op === "and" ? bits.every(Boolean) : bits.some(Boolean);
  }),
  best: bestMatrix,
};

// What an input means that the program is not for: no variable has a value, no key is selected.
function meansNothing(ids) {
  const run = { ...PROGRAM, ids, length: ids.length };
  const none = (node) => (isPattern(node) ? matrix(run, () => 0) : column(run, () => UNDEFINED));
  return { ...run, cells: NODES.map(none) };
}

const UNKNOWN = { value: undefined, text: "?" };

// The program's value of a variable at a position, as {value, text}; UNKNOWN where it has none.
function expectedAt(run, place, t) {
  const { ids, numbers } = run.cells[place];
  if (ids[t] === UNDEFINED) return UNKNOWN;
  if (ids[t] === NUMBER) return number(numbers[t]);
  const { values, texts } = run.nodes[place].domain;
  return { value: values[ids[t]], text: texts[ids[t]] };
}

// Equal values, or numbers that are near.
function agree(found, expected) {
  if (isNumber(found.value) && isNumber(expected.value)) {
    return Math.abs(found.value - expected.value) <= 1e-3 * Math.max(1, Math.abs(expected.value));
  }
  return found.value !== undefined && valueKey(found.value) === valueKey(expected.value);
}
