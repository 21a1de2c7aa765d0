// What comes out at each position: logits, and the distribution over answers that a softmax makes of them.

let answerGrid = null;

function drawAnswers() {
  const { kind, texts } = CONFIG.output;
  const categorical = kind === "categorical";
  byId("answers-switch").hidden = !categorical;
  const asShares = categorical && byId("shares").checked;
  const labels = categorical ? texts : ["number", ...texts.map((text) => `is ${text}`)];
  const values = asShares ? state.run.unembedded && sharesOf(state.run) : state.run.unembedded;
  const n = CONFIG.d_vocab_out;
  const most = asShares ? 1 : values.reduce((best, value, i) => (i < n ? best : Math.max(best, Math.abs(value))), 1e-6);
  const chosen = state.run.answer.map((found) => (categorical ? texts.indexOf(found.text) : -1));
  answerGrid = new Grid({
    title: asShares ? "Distribution over answers: answers down, positions across" : "Logits: answers down, positions across",
    rows: n, columns: state.run.length - 1, rowLabel: (i) => labels[i], columnLabel: (t) => columnLabel(t + 1), widest: 64, tallest: 380,
    share: (i, t) => values[(t + 1) * n + i] / most, pole: asShares ? "attention" : null,
    text: (i, t) => (asShares ? weightText(values[(t + 1) * n + i]) : brief(values[(t + 1) * n + i]) || "0"),
    dotted: (i, t) => chosen[t] === i, columnActive: (t) => state.position === t + 1,
    describe: (i, t) => `${labels[i]} at ${positionName(t + 1)}: ${asShares ? "probability" : categorical ? "logit" : "value"} ${exact(values[(t + 1) * n + i])}${chosen[t] === i ? ", the answer" : ""}`,
    onColumn: (t) => pointAt(t === null ? null : t + 1, false),
    hint: categorical ? "Framed: the answer, the highest logit of its column." : "The number is the answer, unless an indicator below it is above ½.",
  });
  fill("answers", answerGrid.node);
  answerGrid.draw();
}

function sharesOf(run) {
  const n = CONFIG.d_vocab_out;
  const found = new Float32Array(run.unembedded.length);
  for (let t = 0; t < run.length; t++) {
    const row = run.unembedded.subarray(t * n, (t + 1) * n);
    const top = Math.max(...row);
    const powers = row.map((value) => Math.exp(value - top));
    const total = powers.reduce((a, b) => a + b, 0);
    powers.forEach((value, i) => { found[t * n + i] = value / total; });
  }
  return found;
}
