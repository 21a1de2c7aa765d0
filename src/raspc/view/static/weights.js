// The weights as heat maps with named axes: embeddings, what each head scores (QK) and moves (OV), neurons, unembedding.

// A product of two lists of non-zero entries: a [rows of a] · bᵀ or b over some of the columns of each.
function denseOf(linear, from = 0, to = linear.columns) {
  const width = to - from;
  const data = new Float64Array(linear.rows * width);
  for (let row = 0; row < linear.rows; row++) {
    for (let k = linear.starts[row]; k < linear.starts[row + 1]; k++) {
      const column = linear.places[k] - from;
      if (column >= 0 && column < width) data[row * width + column] = linear.weights[k];
    }
  }
  return { data, rows: linear.rows, columns: width };
}

const withBias = ({ data, rows, columns }, bias) => {
  const found = new Float64Array(data.length + columns);
  found.set(data);
  found.set(bias, data.length);
  return { data: found, rows: rows + 1, columns };
};

function productWith(a, b, turned) {
  const [inner, columns] = turned ? [b.columns, b.rows] : [b.rows, b.columns];
  const data = new Float64Array(a.rows * columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < inner; k++) {
      const value = a.data[i * a.columns + k];
      if (value === 0) continue;
      for (let j = 0; j < columns; j++) data[i * columns + j] += value * b.data[turned ? j * b.columns + k : k * b.columns + j];
    }
  }
  return { data, rows: a.rows, columns };
}

const BIAS = "1 (bias)";
const DIRECTIONS = DATA.labels;
const biased = (bias) => bias.some((value) => value !== 0);

// Every matrix by its name: what it says, and how it is made when it is looked at.
const MATRICES = (() => {
  const found = [
    { name: "W_E · tokens", says: "what each token writes to the stream", rows: CONFIG.vocab.texts, columns: DIRECTIONS,
      make: () => ({ data: WEIGHTS.tokens, rows: CONFIG.vocab.texts.length, columns: CONFIG.d_model }) },
    { name: "W_pos · positions", says: "what each position writes to the stream", rows: Array.from({ length: CONFIG.n_ctx }, (_, t) => (t ? `position ${t - 1}` : tokenText(CONFIG.bos))), columns: DIRECTIONS,
      make: () => ({ data: WEIGHTS.positions, rows: CONFIG.n_ctx, columns: CONFIG.d_model }) },
  ];
  WEIGHTS.layers.forEach((layer, l) => {
    const { n_heads: heads, d_head: width, d_mlp: neurons } = layer.widths;
    for (let h = 0; h < heads; h++) found.push(...headMatrices(layer, l, h, width));
    if (neurons) found.push(...neuronMatrices(layer, l, neurons));
  });
  const texts = CONFIG.output.kind === "categorical" ? CONFIG.output.texts : ["number", ...CONFIG.output.texts.map((text) => `is ${text}`)];
  found.push({ name: "W_U · unembedding", says: "how each answer is read off the stream", rows: [...DIRECTIONS, BIAS], columns: texts,
    make: () => withBias(denseOf(WEIGHTS.unembed), WEIGHTS.unembed.bias) });
  return found;
})();

function headMatrices(layer, l, h, width) {
  const [from, to] = [h * width, (h + 1) * width];
  const nodes = DATA.heads.filter((head) => head.layer === l && head.head === h).flatMap((head) => head.nodes);
  const own = nodes.length ? ` (${nodes.map((place) => NODES[place].label).join(", ")})` : ", unused";
  const side = (name) => withBias(denseOf(layer[name], from, to), layer[name].bias.subarray(from, to));
  const scaled = (matrix) => ({ ...matrix, data: matrix.data.map((value) => value / Math.sqrt(width)) });
  const named = [...DIRECTIONS, BIAS];
  return [
    { name: `QK · layer ${l} head ${h}${own}`, says: "the logit that a direction of the query (down) and one of the key (across) add: W_Q W_Kᵀ / √d_head", rows: named, columns: named,
      make: () => scaled(productWith(side("query"), side("key"), true)) },
    { name: `OV · layer ${l} head ${h}${own}`, says: "what the head writes (across) of a direction of the key that it attends to (down): W_V W_O", rows: named, columns: DIRECTIONS,
      make: () => { const all = denseOf(layer.linear); return productWith(side("value"), { data: all.data.subarray(from * all.columns, to * all.columns), rows: width, columns: all.columns }, false); } },
  ];
}

function neuronMatrices(layer, l, count) {
  const groups = DATA.neurons.filter((group) => group.layer === l);
  const name = (j) => { const group = groups.find(({ from, to }) => from <= j && j < to); return group ? `${j} · ${NODES[group.node].label}` : `${j}`; };
  const neurons = Array.from({ length: count }, (_, j) => name(j));
  return [
    { name: `W_in · layer ${l}`, says: "what each neuron (down) reads of each direction (across), and its bias", rows: neurons, columns: [...DIRECTIONS, BIAS],
      make: () => turned(withBias(denseOf(layer.linear_1), layer.linear_1.bias)) },
    { name: `W_out · layer ${l}`, says: "what each neuron (down) writes to each direction (across); the last row is written always", rows: [...neurons, BIAS], columns: DIRECTIONS,
      make: () => withBias(denseOf(layer.linear_2), layer.linear_2.bias) },
  ];
}

function turned({ data, rows, columns }) {
  const found = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) found[j * rows + i] = data[i * columns + j];
  return { data: found, rows: columns, columns: rows };
}

let weightGrid = null;

function drawWeights() {
  const menu = byId("matrix");
  menu.replaceChildren(...MATRICES.map(({ name }, i) => element("option", { value: i }, name)));
  menu.value = Math.max(0, MATRICES.findIndex(({ name }) => name.startsWith("QK") && !name.endsWith("unused")));
  menu.addEventListener("change", drawMatrix);
  byId("whole-matrix").addEventListener("change", drawMatrix);
  drawMatrix();
}

const matrixCache = new Map();
function drawMatrix() {
  const index = Number(byId("matrix").value);
  const { name, says, rows, columns, make } = MATRICES[index];
  if (!matrixCache.has(index)) matrixCache.set(index, make());
  const { data, columns: width } = matrixCache.get(index);
  const [inRows, inColumns] = usedAxes(data, rows.length, width, byId("whole-matrix").checked);
  const most = data.reduce((best, value) => Math.max(best, Math.abs(value)), 0) || 1;
  const at = (i, j) => data[inRows[i] * width + inColumns[j]];
  byId("matrix-says").textContent = `${capital(says)}.`;
  if (!inRows.length) { fill("weights", element("p", { class: "muted" }, "All of it is zero.")); return; }
  weightGrid = new Grid({
    title: name, rows: inRows.length, columns: inColumns.length, widest: 56, tallest: 480, gutterShare: 0.42,
    rowLabel: (i) => rows[inRows[i]], columnLabel: (j) => columns[inColumns[j]],
    share: (i, j) => Math.sign(at(i, j)) * Math.sqrt(Math.abs(at(i, j)) / most), text: (i, j) => brief(at(i, j)),
    describe: (i, j) => `${rows[inRows[i]]} → ${columns[inColumns[j]]}: ${exact(at(i, j))}`,
    hint: `${inRows.length} × ${inColumns.length} of ${rows.length} × ${columns.length}; colour by the square root. Point at a cell, or move with the arrow keys.`,
  });
  fill("weights", weightGrid.node);
  weightGrid.draw();
}

// The rows and columns that hold anything, or all of them.
function usedAxes(data, rows, columns, all) {
  const [inRow, inColumn] = [new Uint8Array(rows).fill(all ? 1 : 0), new Uint8Array(columns).fill(all ? 1 : 0)];
  data.forEach((value, i) => { if (value !== 0) { inRow[Math.floor(i / columns)] = 1; inColumn[i % columns] = 1; } });
  const places = (marks) => Array.from(marks.keys()).filter((i) => marks[i]);
  return [places(inRow), places(inColumn)];
}
