// The model's sizes, its certificate, what the passes did, and the overlap of compressed directions.

function drawFacts() {
  const { parameters, nonzero, optimize, certificate } = DATA.facts;
  fill("facts",
    element("section", { class: "card full" }, element("h3", {}, "Sizes"), definitions({
      layers: CONFIG.n_layers, "heads a layer": widthText("n_heads"), "width of the stream": `${CONFIG.d_model} (d_model)`, "width of a head": `${widthText("d_head")} (d_head)`,
      "neurons a layer": `${widthText("d_mlp")} (d_mlp)`, "longest input": plural(CONFIG.maxLength, "token"), ...(DOMAIN ? { "for inputs where": DOMAIN.text } : {}), "vocabulary": plural(REAL_TOKENS.length, "token"),
      "mask": CONFIG.causal ? "causal: a position sees itself and earlier ones" : "none: every position sees all", "answer": CONFIG.output.kind === "categorical" ? "one of listed values, by the highest logit" : "a number",
      "parameters": `${parameters.toLocaleString("en")}, of which ${nonzero.toLocaleString("en")} are not zero`, "compiled at": `-O${optimize}`,
    })),
    certificateSection(certificate), passesSection(DATA.facts),
    DATA.compression ? element("section", { class: "card overlap full" }, element("h3", {}, "WᵀW: how the directions overlap"), definitions({
      method: DATA.compression.method, accuracy: exact4(DATA.compression.accuracy) }), overlapGrid()) : null);
}

// A width as text: a number, or "2, 0, 3" where layers have widths of their own.
const widthText = (name) => [CONFIG[name]].flat().join(", ");

const section = (title, ...content) => element("section", { class: "card full" }, element("h3", {}, title), content);

const definitions = (pairs) => element("dl", {}, Object.entries(pairs).map(([term, content]) => element("div", {},
  element("dt", {}, term), element("dd", {}, content))));

function scalar(value) {
  if (typeof value === "number") return Number.isInteger(value) ? value.toLocaleString("en") : exact4(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value === null ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

const ROWS_MOST = 200;

function overlapGrid() {
  const { labels, gram } = DATA.compression;
  const { data, shape: [n] } = unpack(gram);
  const most = data.reduce((best, value) => Math.max(best, Math.abs(value)), 1e-9);
  const grid = new Grid({
    title: "WᵀW", rows: n, columns: n, rowLabel: (i) => labels[i], columnLabel: (j) => labels[j],
    widest: 40, share: (i, j) => data[i * n + j] / most, text: (i, j) => brief(Math.round(data[i * n + j] * 100) / 100),
    describe: (i, j) => `${labels[i]} on ${labels[j]}: ${exact(data[i * n + j])}`,
  });
  requestAnimationFrame(() => grid.draw());
  return grid.node;
}
