// Neurons: what each one tests, and when it fired.

// What a dimension says: that a variable has a value (a one-hot direction), or a number.
const MEANING_OF_DIM = DATA.labels.map((label) => ({ label, place: -1, value: null }));
NODES.forEach((node, place) => (node.spaces || []).forEach((space, i) => {
  const { shape: [rows, width], data } = CODES[place][i];
  for (let d = 0; d < width; d++) {
    const column = Array.from({ length: rows }, (_, r) => data[r * width + d]);
    const hot = column.flatMap((value, r) => (value === 1 ? [r] : []));
    const oneHot = isListed(node.domain) && width > 1 && hot.length === 1 && column.every((v, r) => v === 0 || r === hot[0]);
    MEANING_OF_DIM[space.dims[0] + d] = {
      label: DATA.labels[space.dims[0] + d], place, value: oneHot ? node.domain.texts[hot[0]] : null,
    };
  }
}));

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
      const { place, value, label } = MEANING_OF_DIM[dim];
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

// In words where the neuron is a conjunction or a threshold, else its formula.
function neuronTest(layer, j) {
  const { bias, terms } = neuronReads(layer, j);
  if (!terms.length) return bias > 0 ? "always" : "never";
  const weights = new Set(terms.map((term) => term.weight));
  const variables = new Set(terms.map((term) => term.place));
  const indicators = terms.every((term) => term.values.length);
  const weight = terms[0].weight;
  if (indicators && weights.size === 1 && weight > 0 && variables.size === terms.length
    && bias <= -weight * (terms.length - 1) + 1e-4 && bias > -weight * terms.length) {
    return terms.map(termName).join(" and ");
  }
  return threshold(terms, bias);
}

// Σ w·x + b > 0, divided by the greatest weight.
function threshold(terms, bias) {
  const most = Math.max(...terms.map((term) => Math.abs(term.weight)));
  if (terms.length === 1) return `${termName(terms[0])} ${terms[0].weight > 0 ? ">" : "<"} ${exact4(-bias / terms[0].weight)}`;
  return `${weighted(terms, most)} > ${exact4(-bias / most).replace("-", "−")}`;
}

const weighted = (terms, unit) => terms.map((term, i) => {
  const share = exact4(Math.abs(term.weight) / unit);
  const sign = i ? ` ${term.weight < 0 ? "−" : "+"} ` : term.weight < 0 ? "−" : "";
  return `${sign}${share === "1" ? "" : `${share}·`}${termName(term)}`;
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
    parts.push(`${write.weights[k] < 0 ? "−" : "+"}${exact4(Math.abs(write.weights[k]))} ${DATA.labels[write.places[k]]}`);
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
  return element("article", { class: "card wide", "data-nodes": group.node },
    element("h3", {}, `Layer ${group.layer} · neurons ${range(group.from, group.to)}`),
    element("p", {}, "compute ", reference(group.node), " = ", element("code", {}, segments(group.node)),
      element("span", { class: "muted" }, ` — ${active} of ${group.to - group.from} fired in this run`)),
    neuronGrid(group));
}

const activation = (layer, j, t) => state.run.neurons[layer][t * CONFIG.widths[layer].d_mlp + j];

function firedNeurons({ layer, from, to }) {
  let count = 0;
  for (let j = from; j < to; j++) if (state.run.ids.some((_, t) => activation(layer, j, t) > 0)) count++;
  return count;
}

const testCache = new Map();
function cachedTest(layer, j) {
  const key = `${layer} ${j}`;
  if (!testCache.has(key)) testCache.set(key, neuronTest(layer, j));
  return testCache.get(key);
}

function neuronGrid({ layer, from, to }) {
  let most = 1e-9;
  for (let j = from; j < to; j++) state.run.ids.forEach((_, t) => { most = Math.max(most, activation(layer, j, t)); });
  const grid = new Grid({
    title: `Neurons of layer ${layer}: tests down, positions across`, rows: to - from, columns: state.run.length,
    widest: 40, tallest: 360, gutterMost: 440, gutterShare: 0.62,
    rowLabel: (i) => cachedTest(layer, from + i), columnLabel,
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
