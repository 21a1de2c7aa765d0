// Reading variables back out of the residual stream, as certify/checking/variables.py does.

const CODES = NODES.map((node) => (node.spaces || []).map((space) => unpack(space.code)));

// For each stage, what the model holds of each variable: {value, text} by position, or null if not readable.
function decodeRun(run) {
  const held = [];
  for (let stage = -1; stage <= LAST_STAGE; stage++) held.push(decodeStage(run, stage));
  return held;
}

const heldAt = (held, stage) => held[stage + 1];

function decodeStage(run, stage) {
  const known = [];
  NODES.forEach((node, place) => known.push(isPattern(node) ? null : decodeVariable(run, stage, node, place, known)));
  return known;
}

function decodeVariable(run, stage, node, place, known) {
  const groups = presentGroups(node, place, stage);
  const code = groups.length ? codeOf(place, groups) : null;
  if (code && code.distinct) return isListed(node.domain) ? nearestCodes(run, stage, node, code) : readNumbers(run, stage, node, code);
  if (node.kind === "affine") return decodeAffine(run, node, known);
  return node.kind === "table" ? decodeTable(run, node, place, known) : null;
}

// The groups that stand in the stream at a stage.
function presentGroups(node, place, stage) {
  return node.spaces.map((space, i) => i).filter((i) => {
    const { from_stage: from, until_stage: until } = node.spaces[i];
    return from <= stage && (until === undefined || stage <= until) && CODES[place][i].data.length;
  });
}

// The groups' directions side by side: which dimensions, and the row of each value.
const codeCache = new Map();
function codeOf(place, groups) {
  const key = `${place}:${groups.join()}`;
  if (!codeCache.has(key)) codeCache.set(key, makeCode(place, groups));
  return codeCache.get(key);
}

function makeCode(place, groups) {
  const dims = groups.flatMap((i) => {
    const [start, stop] = NODES[place].spaces[i].dims;
    return Array.from({ length: stop - start }, (_, k) => start + k);
  });
  const rows = Array.from({ length: CODES[place][groups[0]].shape[0] }, (_, r) => groups.flatMap((i) => {
    const { shape: [, width], data } = CODES[place][i];
    return Array.from(data.subarray(r * width, (r + 1) * width));
  }));
  const distinct = new Set(rows.map((row) => row.join())).size === rows.length;
  const scale = dims.map((_, d) => {
    const values = rows.map((row) => row[d]);
    return Math.max(Math.max(...values) - Math.min(...values), 1e-12);
  });
  return { dims, rows, distinct, scale };
}

function nearestCodes(run, stage, node, code) {
  const stream = streamAt(run, stage);
  return Array.from({ length: run.length - 1 }, (_, t) => {
    const found = code.dims.map((dim) => stream[(t + 1) * CONFIG.d_model + dim]);
    let best = 0;
    let least = Infinity;
    code.rows.forEach((row, i) => {
      let distance = 0;
      for (let d = 0; d < row.length && distance < least; d++) distance += ((found[d] - row[d]) / code.scale[d]) ** 2;
      if (distance < least) { least = distance; best = i; }
    });
    return { value: node.domain.values[best], text: node.domain.texts[best] };
  });
}

function readNumbers(run, stage, node, code) {
  const stream = streamAt(run, stage);
  return Array.from({ length: run.length - 1 }, (_, t) => {
    const found = code.dims.map((dim) => stream[(t + 1) * CONFIG.d_model + dim]);
    const special = found.slice(1).findIndex((value) => value > 0.5);
    if (special < 0) return number(found[0]);
    return { value: node.domain.values[special], text: node.domain.texts[special] };
  });
}

function decodeAffine(run, node, known) {
  const args = node.args.map((arg) => known[arg]);
  if (args.some((arg) => !arg || arg.some((found) => !isNumber(found.value)))) return null;
  return Array.from({ length: run.length - 1 }, (_, t) => number(
    args.reduce((sum, arg, i) => sum + node.coefs[i] * Number(arg[t].value), node.bias)));
}

function decodeTable(run, node, place, known) {
  const args = node.args.map((arg) => known[arg]);
  if (args.some((arg) => !arg)) return null;
  return Array.from({ length: run.length - 1 }, (_, t) => {
    const ids = args.map((arg, i) => idOf(PROGRAM, node.args[i], arg[t].value, UNDEFINED));
    const found = cellAt(PROGRAM.tables[place], ids);
    return found < 0 ? UNKNOWN : { value: node.domain.values[found], text: node.domain.texts[found] };
  });
}
