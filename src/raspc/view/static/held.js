// What the variables are before a stage of a run in which some are forced, as lab/held.py has it.
// A column is {ids, numbers} over the positions of tokens, as in interpret.js.

const ELEMENTWISE = new Set(["table", "affine", "sign"]);

class CannotForce extends Error {}

// A variable, and all that it is a function of at its own position.
const CONES = NODES.map((node, place) => {
  const found = new Set([place]);
  const waiting = ELEMENTWISE.has(node.kind) ? [...node.refs] : [];
  while (waiting.length) {
    const one = waiting.pop();
    if (found.has(one)) continue;
    found.add(one);
    if (ELEMENTWISE.has(NODES[one].kind)) waiting.push(...NODES[one].refs);
  }
  return found;
});

class Held {
  // `stream` [position with BOS · d_model] before `stage`; forced: {columns: Map, where: [position]}.
  constructor(ids, stream, stage, forced) {
    Object.assign(this, PROGRAM, { ids, length: ids.length, stream, stage, forced, cells: [] });
  }

  column(place) {
    if (!this.cells[place]) this.cells[place] = merged(this.forced, place, () => this.own(place));
    return this.cells[place];
  }

  own(place) {
    const node = NODES[place];
    const groups = storedGroups(node, place, this.stage - 1);
    if (groups) return isListed(node.domain) ? this.nearest(place, groups) : this.number(place, groups);
    if (ELEMENTWISE.has(node.kind)) {
      node.refs.forEach((ref) => this.column(ref));
      return MEANINGS[node.kind](this, node, place);
    }
    if (node.kind === "token" || node.kind === "index") return MEANINGS[node.kind](this, node, place);
    throw new CannotForce(`${node.label} is stored nowhere, and is no function of what is: force it at every position, or compile at -O0`);
  }

  nearest(place, groups) {
    const { dims, rows, scale } = codeOf(place, groups);
    const ids = Int32Array.from({ length: this.length }, (_, t) => {
      let [best, least] = [0, Infinity];
      rows.forEach((row, i) => {
        const distance = row.reduce((sum, value, d) => sum + ((this.stream[(t + 1) * CONFIG.d_model + dims[d]] - value) / scale[d]) ** 2, 0);
        if (distance < least) { least = distance; best = i; }
      });
      return best;
    });
    return { ids };
  }

  number(place, groups) {
    const { dims } = codeOf(place, groups);
    const at = (t, d) => this.stream[(t + 1) * CONFIG.d_model + dims[d]];
    const ids = new Int32Array(this.length).fill(NUMBER);
    const numbers = Float64Array.from({ length: this.length }, (_, t) => at(t, 0));
    ids.forEach((_, t) => dims.slice(1).forEach((_dim, i) => { if (ids[t] === NUMBER && at(t, i + 1) > 0.5) ids[t] = i; }));
    return { ids, numbers };
  }
}

// The groups that hold a variable after a stage as it is kept, if they tell its values apart.
function storedGroups(node, place, stage) {
  const groups = presentGroups(node, place, stage).filter((i) => !node.spaces[i].steep);
  return groups.length && codeOf(place, groups).distinct ? groups : null;
}

function merged({ columns, where }, place, own) {
  const given = columns.get(place);
  if (!given) return own();
  if (where.every(Boolean)) return given;
  const other = own();
  const pick = (name) => where.map((here, t) => (here ? given : other)[name][t]);
  return { ids: Int32Array.from(pick("ids")), ...(given.numbers && other.numbers ? { numbers: Float64Array.from(pick("numbers")) } : {}) };
}
