// Variables and selectors forced in a running model: at all who read them and nowhere else, as lab/forcing.py does it; or erased from
// their spaces, as lab/interventions.py does.

const FORCING = DATA.forcing;
const SITES = FORCING ? FORCING.sites.map((site) => ({
  ...site,
  demands: site.demands.map((demand) => ({ ...demand, parts: demand.parts.map(({ place, columns }) => ({ place, columns: unpack(columns) })) })),
  inner: site.inner && { axes: site.inner.axes, cells: unpack(site.inner.cells) },
})) : [];
const TOGETHER = FORCING ? FORCING.together.map(({ leaves, cells }) => ({ leaves, cells: unpack(cells) })) : [];
const MEANS = FORCING ? Object.fromEntries(Object.entries(FORCING.means).map(([name, mean]) => [name, unpack(mean)])) : {};

// Some numbers of the queries of a head say nothing; then what is not selected is a step of its scores below the rest.
function unscored(q, length, stride, first, from, to) {
  for (let t = 0; t < length; t++) q.fill(0, t * stride + first + from, t * stride + first + to);
}

function penalised(scores, length, bits, step) {
  for (let q = 1; q < length; q++) {
    for (let k = 1; k < length; k++) if (!bits[(q - 1) * (length - 1) + k - 1]) scores[q * length + k] -= step;
  }
}

class Edits {
  // forced: {columns: Map place → column, where: [position], patterns: Map place → bits}; erased: [{space, how}].
  constructor(ids, forced, erased = []) { Object.assign(this, { ids, forced, erased, raising: false }); }

  reads(demand) { return demand.parts.some(({ place }) => [...this.forced.columns.keys()].some((one) => CONES[place].has(one))); }

  between(site) {
    return site.head === null && site.layer >= 0 && ELEMENTWISE.has(NODES[site.place].kind)
      && [...this.forced.columns.keys()].some((one) => one !== site.place && CONES[site.place].has(one));
  }

  // The stream after a stage: spaces that are erased hold nothing, or their mean, from where they are written.
  stream(stage, x) {
    const found = this.erased.filter(({ space }) => space.from_stage === stage);
    if (!found.length) return x;
    const next = x.slice();
    found.forEach(({ space, how }) => {
      const [start, stop] = space.dims;
      for (let t = 1; t <= this.ids.length; t++) {
        for (let dim = start; dim < stop; dim++) next[t * CONFIG.d_model + dim] = how === "mean" ? MEANS[space.name].data[t * (stop - start) + dim - start] : 0;
      }
    });
    return next;
  }

  mixed(layer, x, sides, widths, mixed, length) {
    SITES.filter((site) => site.layer === layer && site.head !== null).forEach((site) => {
      const patterns = this.patterns(site);
      if (!patterns.length && !site.demands.some((demand) => this.reads(demand))) return;
      const held = new Held(this.ids, x, 2 * layer, this.forced);
      const own = { q: sides.q.slice(), k: sides.k.slice(), v: sides.v.slice() };
      const stride = widths.n_heads * widths.d_head;
      site.demands.filter((demand) => this.reads(demand)).forEach((demand) => this.put(held, demand, own[demand.channel], stride));
      patterns.forEach(({ from, to }) => unscored(own.q, length, stride, site.head * widths.d_head, from, to));
      const scores = scoresOfHead(own.q, own.k, site.head, length, widths);
      patterns.forEach(({ bits }) => penalised(scores, length, bits, site.scale / Math.sqrt(widths.d_head)));
      const pattern = softmaxRows(scores, length);
      site.mixed.forEach((column) => {
        for (let i = 0; i < length; i++) {
          let sum = 0;
          for (let j = 0; j < length; j++) if (pattern[i * length + j] !== 0) sum += pattern[i * length + j] * own.v[j * stride + column];
          mixed[i * stride + column] = sum;
        }
      });
    });
  }

  // What of the selector of a head is forced: all of it, the keys that it takes the best of, or some conjuncts.
  patterns(site) {
    const given = this.forced.patterns;
    const above = site.above.filter((place) => given.has(place));
    const whole = site.scored.find((one) => one.all && given.has(one.place));
    if (!above.length) return [];
    if (whole) return [{ ...whole, bits: given.get(whole.place) }];
    return above.map((place) => {
      const found = site.scored.find((one) => !one.all && one.place === place);
      if (!found) throw new CannotForce(`${NODES[place].label} is scored together with others by the head of ${NODES[site.place].label}; force ${NODES[site.scored[0].place].label} instead`);
      return { ...found, bits: given.get(place) };
    });
  }

  neurons(layer, x, read, width) {
    SITES.filter((site) => site.layer === layer && site.head === null).forEach((site) => {
      const [demand] = site.demands;
      if (!this.reads(demand) && !this.between(site)) return;
      const held = new Held(this.ids, x, 2 * layer + 1, this.forced);
      const columns = new Map(demand.parts.map(({ place }) => [place, held.column(place)]));
      const given = this.between(site) && !columns.has(site.place) ? this.preimage(held, site, columns) : columns;
      this.put({ column: (place) => given.get(place) }, demand, read, width);
    });
  }

  logits(x, logits) {
    const [demand] = SITES[SITES.length - 1].demands;
    if (this.reads(demand)) this.put(new Held(this.ids, x, 2 * CONFIG.n_layers, this.forced), demand, logits, CONFIG.d_vocab_out);
  }

  // Has a reader read what the variables are, in place of what the stream holds, at the positions of tokens.
  put(held, demand, numbers, stride) {
    const parts = demand.parts.map(({ place, columns }) => ({ columns, own: held.column(place), listed: isListed(NODES[place].domain) }));
    this.ids.forEach((_, t) => demand.at.forEach((at, j) => {
      let sum = 0;
      parts.forEach(({ columns: { data, shape: [, width] }, own, listed }) => {
        const id = own.ids[t];
        if (listed) sum += data[Math.max(id, 0) * width + j];
        else sum += id === NUMBER ? own.numbers[t] * data[j] : data[(1 + id) * width + j];
      });
      numbers[(t + 1) * stride + at] = sum;
    }));
  }

  // Values of what neurons read with which they compute what the program does: those that are there, or the nearest others.
  preimage(held, site, columns) {
    if (!site.inner) throw new CannotForce(`${NODES[site.place].label} is computed of too much to be forced in between`);
    const { axes, cells: { data, shape } } = site.inner;
    const wanted = held.column(site.place).ids;
    const found = axes.map((axis) => held.column(axis).ids.map((id) => Math.max(id, 0)));
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
    wanted.forEach((value, t) => {
      if (value < 0) return;
      const mine = found.map((ids) => ids[t]);
      if (data[mine.reduce((sum, id, i) => sum + id * strides[i], 0)] === value) return;
      let [best, least] = [-1, Infinity];
      data.forEach((cell, place) => {
        if (cell !== value) return;
        const off = mine.filter((id, i) => Math.floor(place / strides[i]) % shape[i] !== id).length;
        if (off < least) { least = off; best = place; }
      });
      if (best < 0) { this.raising = true; return; }
      found.forEach((ids, i) => { ids[t] = Math.floor(best / strides[i]) % shape[i]; });
    });
    return new Map(axes.map((axis, i) => [axis, { ids: found[i] }]));
  }
}

// What the program gives with some variables replaced.
function interpretForced(ids, forced) {
  const run = { ...PROGRAM, ids, length: ids.length, cells: [] };
  const own = (node, place) => MEANINGS[node.kind](run, node, place);
  const pattern = (node, place) => (forced.patterns.has(place) ? matrix(run, (q, k) => forced.patterns.get(place)[q * run.length + k]) : own(node, place));
  NODES.forEach((node, place) => run.cells.push(isPattern(node) ? pattern(node, place) : merged(forced, place, () => own(node, place))));
  return run;
}

// Whether the program has no answer: a value is missing, several unequal keys meet a pick, or values cannot be together.
function isImpossible(run, patterns) {
  if (NODES.some((node, place) => !patterns.has(place) && lacksValue(run, node, place))) return true;
  const together = TOGETHER.every(({ leaves, cells: { data, shape } }) => run.ids.every((_, t) => (
    data[leaves.reduce((sum, leaf, i) => sum * shape[i] + Math.max(run.cells[leaf].ids[t], 0), 0)])));
  return !together || NODES.some((node) => node.pick && severalPicked(run, node));
}

function severalPicked(run, node) {
  const source = run.cells[node.source];
  const { bits } = run.cells[node.selector];
  return run.ids.some((_, q) => {
    const keys = source.ids.reduce((found, _id, k) => (bits[q * run.length + k] ? [...found, k] : found), []);
    return keys.some((k) => source.ids[k] !== source.ids[keys[0]]
      || (source.ids[k] === NUMBER && Math.abs(source.numbers[k] - source.numbers[keys[0]]) > SAME * Math.max(1, Math.abs(source.numbers[k]))));
  });
}

// changes: [{place, how: "value" | "source" | "zero" | "mean", id, source}], of a selector {place, how: "drawn", bits} or
// "source"; at: one position at which variables are changed, or null for all.
// Gives {answer, expected, impossible}; expected is null where nothing is.
function whatIf(ids, changes, at = null) {
  const [columns, patterns] = [new Map(), new Map()];
  const erased = [];
  changes.forEach(({ place, how, id, source, bits }) => {
    if (isPattern(NODES[place])) patterns.set(place, bits || interpret(source).cells[place].bits);
    else if (how === "value") columns.set(place, { ids: new Int32Array(ids.length).fill(id) });
    else if (how === "source") columns.set(place, interpret(source).cells[place]);
    else if (!NODES[place].spaces.length) throw new CannotForce(`${NODES[place].label} is stored nowhere, so that it has no subspace: patch it from the other input instead`);
    else NODES[place].spaces.forEach((space) => erased.push({ space, how }));
  });
  const forced = { columns, patterns, where: ids.map((_, t) => at === null || t === at) };
  const edits = new Edits(ids, forced, erased);
  const run = forward([CONFIG.bos, ...ids], edits);
  if (erased.length) return { answer: run.answer, expected: null, impossible: true };
  const meant = interpretForced(ids, forced);
  const impossible = edits.raising || isImpossible(meant, patterns);
  return { answer: run.answer, expected: impossible ? null : ids.map((_, t) => expectedAt(meant, DATA.output, t)), impossible };
}
