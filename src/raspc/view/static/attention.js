// Attention: for each head its selector, and pattern or logits with tokens on both axes.

let attentionGrids = [];
const CROWDED = 24;

function drawAttention() {
  if (!DATA.heads.length) {
    fill("attention", element("p", { class: "muted" }, "No head is in use: nothing moves between positions."));
    return;
  }
  const logits = byId("logits").checked;
  attentionGrids = [];
  fill("attention", DATA.heads.map((head) => headCard(head, logits)));
  attentionGrids.forEach((grid) => grid.draw());
  drawMarks();
}

function headCard(head, logits) {
  const marks = [...head.nodes, head.selector].filter((place) => place !== null);
  return element("article", { class: `card${state.run.length > CROWDED ? " broad" : ""}`, "data-nodes": marks.join(" ") },
    element("h3", {}, `Layer ${head.layer} · head ${head.head}`),
    element("p", {}, "computes ", names(head.nodes), head.selector === null ? ", attending to all keys" : [
      ", by the selector ", reference(head.selector), " = ", element("code", {}, segments(head.selector))]),
    element("p", { class: "muted" }, element("span", { class: "sink-mark" }, tokenText(CONFIG.bos)), ` as sink: ${head.sink}`),
    attentionGrid(head, logits));
}

function attentionGrid(head, logits) {
  const { run, meant } = state;
  const n = run.length;
  const scores = run.logits[head.layer][head.head];
  const pattern = run.patterns[head.layer][head.head];
  const most = Math.asinh(scores.reduce((best, value) => Math.max(best, Math.abs(value)), 1e-6));
  const bits = head.selector === null ? null : meant.cells[head.selector].bits;
  const selected = (q, k) => q > 0 && k > 0 && (bits ? bits[(q - 1) * (n - 1) + k - 1] === 1 : !hiddenKey(q, k));
  const grid = new Grid({
    title: `Attention of layer ${head.layer} head ${head.head}: queries down, keys across`,
    rows: n, columns: n, widest: 44, cellHeight: Math.max(10, Math.min(26, Math.floor(330 / n))), tallest: 420,
    rowLabel: columnLabel, columnLabel,
    share: (q, k) => (logits ? Math.asinh(scores[q * n + k]) / most : Math.sqrt(pattern[q * n + k])), pole: logits ? null : "attention",
    text: (q, k) => (logits ? brief(scores[q * n + k]) : weightText(pattern[q * n + k])),
    rowActive: (q) => state.position === q, columnActive: (k) => state.position === k, onRow: (q) => pointAt(q, false),
    dotted: selected, hatched: (q, k) => k === 0 || hiddenKey(q, k),
    describe: (q, k) => describeCell(q, k, scores[q * n + k], pattern[q * n + k], selected(q, k)),
    hint: "Queries down, keys across. Point at a cell, or move with the arrow keys.",
  });
  attentionGrids.push(grid);
  return grid.node;
}

// Two digits, and no more noughts than needed.
const weightText = (weight) => (weight < 5e-5 ? "" : String(Number(weight.toPrecision(2))).replace(/^0\./, "."));

const hiddenKey = (q, k) => CONFIG.causal && k > q;

function describeCell(q, k, score, weight, selected) {
  const pair = `query ${positionName(q)}, key ${positionName(k)}`;
  if (hiddenKey(q, k)) return `${pair}: hidden by the causal mask`;
  const program = q && k ? `; the program ${selected ? "selects" : "does not select"} it` : k ? "" : "; the sink";
  return `${pair}: weight ${exact(weight)}, logit ${exact(score)}${program}`;
}
