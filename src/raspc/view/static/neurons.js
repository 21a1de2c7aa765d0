// Neurons: what each one tests, and when it fired.

// What a dimension says while a space stands in it: that a variable has a value (a one-hot direction), or a number.
const TENANTS = DATA.labels.map(() => []);
NODES.forEach((node, place) => (node.spaces || []).forEach((space, i) => {
  const { shape: [rows, width], data } = CODES[place][i];
  for (let d = 0; d < width; d++) {
    const column = Array.from({ length: rows }, (_, r) => data[r * width + d]);
    const hot = column.flatMap((value, r) => (value === 1 ? [r] : []));
    const oneHot = isListed(node.domain) && width > 1 && hot.length === 1 && column.every((v, r) => v === 0 || r === hot[0]);
    const dim = space.dims[0] + d;
    TENANTS[dim].push({ space, label: ownLabel(dim, node.label), place, value: oneHot ? node.domain.texts[hot[0]] : null });
  }
}));

// Of the names of a dimension that is used again the one of a variable.
function ownLabel(dim, name) {
  const found = DATA.labels[dim].split(" | ").filter((part) => part === name || part.startsWith(`${name}:`) || part.startsWith(`${name}.`));
  return found.length === 1 ? found[0] : DATA.labels[dim];
}

// What a dimension says after a stage.
function tenantOf(dim, stage) {
  const found = TENANTS[dim].filter(({ space }) => holds(space, stage, dim));
  return found[found.length - 1] || (TENANTS[dim].length === 1 ? TENANTS[dim][0] : { label: DATA.labels[dim], place: -1, value: null });
}
const labelAt = (dim, stage) => tenantOf(dim, stage).label;

// What neuron j of a layer reads: its bias, and terms {place, values, label, weight}; equal weights on
// indicators of one variable are one term.
function neuronReads(layer, j) {
  const { linear_1: read } = WEIGHTS.layers[layer];
  const terms = new Map();
  let bosWeight = 0;
  for (let dim = 0; dim < read.rows; dim++) {
    for (let k = read.starts[dim]; k < read.starts[dim + 1]; k++) {
      if (read.places[k] !== j) continue;
      const weight = read.weights[k];
      const { place, value, label } = tenantOf(dim, 2 * layer);
      if (label === "is_bos") { bosWeight = weight; continue; }
      const key = value === null ? label : `${place} ${weight}`;
      if (!terms.has(key)) terms.set(key, { place, weight, label, values: [] });
      if (value !== null) terms.get(key).values.push(value);
    }
  }
  return { bias: read.bias[j], terms: [...terms.values()], bosWeight };
}

const SET_MOST = 5;
function termName({ place, label, values }) {
  if (!values.length) return label;
  const name = NODES[place].label;
  const words = values.map((value) => (/^[-\w."]+$/.test(value) ? value : JSON.stringify(value)));
  if (words.length === 1) return `${name}=${words[0]}`;
  const shown = words.length > SET_MOST ? [...words.slice(0, SET_MOST - 1), `… ${words[words.length - 1]}`] : words;
  return `${name}∈{${shown.join(" ")}}`;
}

// What a neuron tests: in words where it is a conjunction, else {form, relation, bound}, the first term of the form being
// positive, so that neurons with other bounds on one number have one form.
function readTest(layer, j) {
  const { bias, terms } = neuronReads(layer, j);
  if (!terms.length) return { words: bias > 0 ? "always" : "never" };
  const weights = new Set(terms.map((term) => term.weight));
  const variables = new Set(terms.map((term) => term.place));
  const indicators = terms.every((term) => term.values.length);
  const weight = terms[0].weight;
  if (indicators && weights.size === 1 && weight > 0 && variables.size === terms.length
    && bias <= -weight * (terms.length - 1) + 1e-4 && bias > -weight * terms.length) {
    return { words: terms.map(termName).join(" and ") };
  }
  const unit = Math.sign(weight) * Math.max(...terms.map((term) => Math.abs(term.weight)));
  return { form: weighted(terms, unit), relation: unit > 0 ? ">" : "<", bound: exact4(-bias / unit).replace("-", "−") };
}

const testCache = new Map();
function neuronTest(layer, j) {
  const key = `${layer} ${j}`;
  if (!testCache.has(key)) testCache.set(key, readTest(layer, j));
  return testCache.get(key);
}

const testText = ({ words, form, relation, bound }, letters) => words || `${letters.get(form) || form} ${relation} ${bound}`;

// A letter for each long form of a group of neurons, so that what tells them apart, the bound, is never cut off.
const SHORT_FORM = 16;
function lettersOf({ layer, from, to }) {
  const forms = Array.from({ length: to - from }, (_, i) => neuronTest(layer, from + i).form).filter((form) => form && form.length > SHORT_FORM);
  const found = [...new Set(forms)];
  return new Map(found.map((form, i) => [form, found.length <= 3 ? "xyz"[i] : `x${i + 1}`]));
}

const weighted = (terms, unit) => terms.map((term, i) => {
  const share = exact4(Math.abs(term.weight / unit));
  const negative = term.weight / unit < 0;
  return `${i ? ` ${negative ? "−" : "+"} ` : negative ? "−" : ""}${share === "1" ? "" : `${share}·`}${termName(term)}`;
}).join("");

function neuronFormula(layer, j) {
  const { bias, terms } = neuronReads(layer, j);
  return `${weighted(terms, 1)} ${bias < 0 ? "−" : "+"} ${exact4(Math.abs(bias))}`;
}

const exact4 = (value) => String(Number(value.toPrecision(4)));

function neuronWrites(layer, j) {
  const { linear_2: write } = WEIGHTS.layers[layer];
  const parts = [];
  for (let k = write.starts[j]; k < write.starts[j + 1]; k++) {
    parts.push(`${write.weights[k] < 0 ? "−" : "+"}${exact4(Math.abs(write.weights[k]))} ${labelAt(write.places[k], 2 * layer + 1)}`);
  }
  return parts.length > 6 ? `${parts.slice(0, 6).join(", ")} and ${parts.length - 6} more` : parts.join(", ") || "nothing";
}

let neuronGrids = [];

function drawNeurons() {
  if (!DATA.neurons.length) {
    fill("neurons", element("p", { class: "muted" }, "No neuron is in use: every function here is linear in what attention moves."));
    return;
  }
  neuronGrids = [];
  fill("neurons", DATA.neurons.map(neuronCard));
  neuronGrids.forEach((grid) => grid.draw());
  drawMarks();
}

function neuronCard(group) {
  const active = firedNeurons(group);
  const letters = lettersOf(group);
  return element("article", { class: "card wide", "data-nodes": group.node },
    element("h3", {}, `Layer ${group.layer} · neurons ${range(group.from, group.to)}`),
    element("p", {}, "compute ", reference(group.node), " = ", element("code", {}, segments(group.node)),
      element("span", { class: "muted" }, ` — ${active} of ${group.to - group.from} fired in this run`)),
    formList(letters), neuronGrid(group, letters));
}

const activation = (layer, j, t) => state.run.neurons[layer][t * CONFIG.widths[layer].d_mlp + j];

function firedNeurons({ layer, from, to }) {
  let count = 0;
  for (let j = from; j < to; j++) if (state.run.ids.some((_, t) => activation(layer, j, t) > 0)) count++;
  return count;
}

const FORMS_SHOWN = 6;
function formList(letters) {
  const line = ([form, letter]) => element("p", { class: "form" }, element("code", {}, `${letter} = ${form}`));
  const all = [...letters];
  return [all.slice(0, FORMS_SHOWN).map(line), all.length > FORMS_SHOWN ? element("details", {}, element("summary", {}, `${all.length - FORMS_SHOWN} more numbers`), all.slice(FORMS_SHOWN).map(line)) : null];
}

function neuronGrid({ layer, from, to }, letters) {
  let most = 1e-9;
  for (let j = from; j < to; j++) state.run.ids.forEach((_, t) => { most = Math.max(most, activation(layer, j, t)); });
  const grid = new Grid({
    title: `Neurons ${range(from, to)} of layer ${layer}: tests down, positions across`, rows: to - from, columns: state.run.length,
    widest: 40, tallest: 360, gutterMost: 440, gutterShare: 0.62,
    rowLabel: (i) => testText(neuronTest(layer, from + i), letters), columnLabel,
    share: (i, t) => (activation(layer, from + i, t) > 0 ? Math.max(0.18, activation(layer, from + i, t) / most) : 0),
    text: (i, t) => brief(activation(layer, from + i, t)),
    describe: (i, t) => describeNeuron(layer, from + i, t), columnActive: (t) => state.position === t,
    hint: "Each row is a neuron: what it tests. Point at a cell, or move with the arrow keys.",
  });
  neuronGrids.push(grid);
  return grid.node;
}

function describeNeuron(layer, j, t) {
  const value = activation(layer, j, t);
  const state_ = value > 0 ? `fires with ${exact(value)}` : "is off";
  return `neuron ${j} at ${positionName(t)} ${state_}. It is relu(${neuronFormula(layer, j)}) and adds ${neuronWrites(layer, j)}.`;
}
