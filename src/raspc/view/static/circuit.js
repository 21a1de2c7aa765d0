// The circuit: boxes by stage, a line for each edge, lit where it carries something on the input of the page.

const KIND_CLASS = { embedding: "embedding", head: "head", mlp: "mlp", neuron: "mlp", bias: "bias", unembedding: "logits" };
const FLAG_CLASS = ["void", "stray", "interference", "clearing", "inert", "varying", "positional", "constant"];

function drawCircuit() {
  const found = DATA.circuit;
  if (!found) {
    fill("circuit", element("p", { class: "muted" }, "The circuit of this model is not known, or too large to be drawn."));
    return;
  }
  const stages = [...new Set(found.nodes.map((node) => node.stage))].sort((a, b) => a - b);
  const below = (node) => node.variables.join(", ");
  const boxes = stages.map((stage) => found.nodes.filter((node) => node.stage === stage).map((node) => ({
    id: node.name, width: boxWidth(node.name, below(node)), height: BOX.height + 8 })));
  const lay = layered(boxes, found.edges.map((edge, line) => ({ from: edge.writer, to: edge.reader, line })));
  const picture = svg("svg", { role: "group", "aria-label": "The circuit" },
    lay.paths.map(({ line, path }) => circuitLine(found.edges[line], line, path)),
    found.nodes.map((node) => circuitBox(node, lay.at.get(node.name), below(node))));
  showPicture("circuit", picture, { width: lay.width, height: lay.height, name: "circuit", title: "The circuit, from the embeddings to the answer" });
}

function circuitLine(edge, line, path) {
  const kind = FLAG_CLASS.find((flag) => edge.flags.includes(flag)) || "constant";
  const group = edgeLine(path, `var(--edge-${kind})`, { class: `wire${edge.varies ? "" : " steady"}`, "data-line": line, "data-ends": `${edge.writer} ${edge.reader}` },
    `${edge.name}\nrank ${edge.rank}; ${edge.flags.join(", ")}`);
  return group;
}

function circuitBox(node, { x, y, width, height }, below) {
  const places = node.variables.map((label) => NODES.findIndex((other) => other.label === label)).filter((place) => place >= 0);
  const top = y - height / 2;
  return svg("g", {
    class: `box part ${KIND_CLASS[node.kind] || ""}`, "data-nodes": places.join(" ") || null, "data-part": node.name,
    onmouseenter: () => followPart(node.name), onmouseleave: () => followPart(null),
  },
  svg("rect", { class: "face", x: round1(x), y: round1(top), width: round1(width), height, rx: 7 }),
  svg("text", { class: "label", x: round1(x + 12), y: round1(top + 20) }, node.name),
  svg("text", { class: "kind", x: round1(x + 12), y: round1(top + 37) }, below.length > 30 ? `${below.slice(0, 29)}…` : below),
  svg("title", {}, [node.name, below, ...node.selectors.map((selector) => `attends by ${selector}`)].filter(Boolean).join("\n")));
}

// The lines of one part stand out while the pointer rests on it.
function followPart(name) {
  const picture = byId("circuit").querySelector("svg");
  picture.classList.toggle("focused", name !== null);
  picture.querySelectorAll("[data-ends]").forEach((line) => line.classList.toggle("marked", name !== null && line.dataset.ends.split(" ").includes(name)));
}

// -- what the edges carry on this input ------------------------------------------------------------------

const LIT = 1e-5;

// [edge][position]: the greatest number that passes along an edge, as a part of the greatest that passes into its reader.
function carriedAlong(run) {
  if (!DATA.circuit || DATA.circuit.edges.some((edge) => !edge.dims)) return null;
  const found = DATA.circuit.edges.map((edge) => carriedBy(run, edge));
  const most = new Map();
  DATA.circuit.edges.forEach((edge, i) => {
    const key = `${edge.reader} ${edge.channel}`;
    most.set(key, Math.max(most.get(key) || 0, ...found[i]));
  });
  return DATA.circuit.edges.map((edge, i) => found[i].map((value) => value / (most.get(`${edge.reader} ${edge.channel}`) || 1)));
}

function carriedBy(run, edge) {
  const writes = WRITES[partKind(edge.writer)];
  const [layer, start, width] = readerOf(edge);
  return Array.from({ length: run.length }, (_, t) => {
    const sums = new Float64Array(width);
    edge.dims.forEach((dim) => {
      const value = writes(run, edge.writer, dim, t);
      if (value === 0) return;
      for (let k = layer.starts[dim]; k < layer.starts[dim + 1]; k++) {
        const at = layer.places[k] - start;
        if (at >= 0 && at < width) sums[at] += value * layer.weights[k];
      }
    });
    return sums.reduce((best, value) => Math.max(best, Math.abs(value)), 0);
  });
}

const partKind = (name) => (/^a\d+\.h/.test(name) ? "head" : /^m\d+$/.test(name) ? "mlp" : name.endsWith(".bias") ? "bias" : name);
const numbersIn = (name) => (name.match(/\d+/g) || []).map(Number);

// What each part adds to a dimension of the stream at a position.
const WRITES = {
  tokens: (run, _name, dim, t) => (t ? WEIGHTS.tokens[run.ids[t] * CONFIG.d_model + dim] : 0),
  positions: (_run, _name, dim, t) => WEIGHTS.positions[t * CONFIG.d_model + dim],
  bos: (run, _name, dim, t) => (t ? 0 : WEIGHTS.tokens[run.ids[0] * CONFIG.d_model + dim]),
  bias: (_run, name, dim) => WEIGHTS.layers[numbersIn(name)[0]][name[0] === "a" ? "linear" : "linear_2"].bias[dim],
  head: (run, name, dim, t) => {
    const [layer, head] = numbersIn(name);
    const { n_heads: heads, d_head: width } = CONFIG.widths[layer];
    return written(WEIGHTS.layers[layer].linear, head * width, (head + 1) * width, (row) => run.mixed[layer][t * heads * width + row], dim);
  },
  mlp: (run, name, dim, t) => {
    const [layer] = numbersIn(name);
    const { d_mlp: width } = CONFIG.widths[layer];
    return written(WEIGHTS.layers[layer].linear_2, 0, width, (row) => run.neurons[layer][t * width + row], dim);
  },
};

function written(linear, from, to, value, dim) {
  let sum = 0;
  for (let row = from; row < to; row++) {
    const own = value(row);
    if (own === 0) continue;
    for (let k = linear.starts[row]; k < linear.starts[row + 1]; k++) if (linear.places[k] === dim) sum += own * linear.weights[k];
  }
  return sum;
}

// The linear map that a channel reads through, and which of its columns.
function readerOf({ reader, channel }) {
  if (channel === "out") return [WEIGHTS.unembed, 0, CONFIG.d_vocab_out];
  const [layer, head] = numbersIn(reader);
  const { d_head: width, d_mlp: neurons } = CONFIG.widths[layer];
  if (channel === "in") return [WEIGHTS.layers[layer].linear_1, 0, neurons];
  return [WEIGHTS.layers[layer][{ q: "query", k: "key", v: "value" }[channel]], head * width, width];
}

// Lights the edges: all that carry something at the position that is pointed at, or at some position of a token.
function lightCircuit() {
  const carried = state.carried;
  if (!carried) return;
  const at = state.position;
  byId("circuit").querySelectorAll("[data-line]").forEach((line) => {
    const row = carried[Number(line.dataset.line)];
    const share = at === null ? Math.max(...row.slice(1)) : row[at];
    line.classList.toggle("lit", share > LIT);
    line.style.setProperty("--share", String(Math.round(100 * Math.sqrt(share)) / 100));
  });
  const lit = carried.filter((row) => (at === null ? Math.max(...row.slice(1)) : row[at]) > LIT).length;
  byId("lit").textContent = `${lit} of ${plural(carried.length, "edge")} carry something ${at === null ? "at some token of this input" : `at ${positionName(at)}`}.`;
}
