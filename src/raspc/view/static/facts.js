// The model's sizes, its certificate, what the passes did, and the overlap of compressed directions.

function drawFacts() {
  const { parameters, nonzero, optimize, schedule, passes, notes, written, certificate } = DATA.facts;
  fill("facts",
    section("Sizes", definitions({
      layers: CONFIG.n_layers, "heads a layer": widthText("n_heads"), "d_model": CONFIG.d_model, "d_head": widthText("d_head"),
      "d_mlp": widthText("d_mlp"), "longest input": CONFIG.maxLength, ...(DOMAIN ? { "for inputs where": DOMAIN.text } : {}), "vocabulary": REAL_TOKENS.length,
      "mask": CONFIG.causal ? "causal" : "none", "output": CONFIG.output.kind,
      "parameters": `${parameters.toLocaleString("en")}, of which ${nonzero.toLocaleString("en")} are not zero`,
    })),
    section("Certificate", certificate ? anything(certificate) : element("p", { class: "muted" }, "The model holds none.")),
    section("Passes", passes ? passTable(passes) : element("p", { class: "muted" }, "No report is stored in the model."),
      definitions({ "optimisation": `-O${optimize}`, ...(schedule ? {
        schedule: `${schedule.method}${schedule.optimal ? ", proved optimal" : ", not proved optimal"}` } : {}) }),
      written ? element("details", {}, element("summary", {}, "The program before the passes"),
        element("pre", { class: "scroll", tabindex: "0" }, written.join("\n"))) : null,
      notes.map((note) => element("p", { class: "note" }, note))),
    DATA.compression ? element("section", { class: "card overlap" }, element("h3", {}, "WᵀW: how the directions overlap"), definitions({
      method: DATA.compression.method, accuracy: exact4(DATA.compression.accuracy) }), overlapGrid()) : null);
}

// A width as text: a number, or "2, 0, 3" where layers have widths of their own.
const widthText = (name) => [CONFIG[name]].flat().join(", ");

const section = (title, ...content) => element("section", { class: "card" }, element("h3", {}, title), content);

const definitions = (pairs) => element("dl", {}, Object.entries(pairs).map(([term, content]) => [
  element("dt", {}, term.replaceAll("_", " ").replace(/^d /, "d_")), element("dd", {}, content)]));

// What each pass changed.
function passTable(passes) {
  return element("table", {}, element("thead", {}, element("tr", {},
    element("th", { scope: "col" }, "pass"), element("th", { scope: "col" }, "changed"))),
  element("tbody", {}, passes.map((pass) => element("tr", {}, element("td", {}, pass.name.replaceAll("_", " ")),
    element("td", {}, changes(pass).join(", ") || element("span", { class: "muted" }, "nothing"))))));
}

function changes({ before = {}, after = {} }) {
  return Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name])
    .map((name) => `${name} ${scalar(before[name] ?? null)} → ${scalar(after[name] ?? null)}`);
}

// JSON data as people read it: objects as definitions, lists of objects as tables.
function anything(data) {
  if (Array.isArray(data)) return data.some((item) => item && typeof item === "object" && !Array.isArray(item)) ? objectsTable(data) : data.map(scalar).join(", ");
  if (!data || typeof data !== "object") return scalar(data);
  const plain = Object.entries(data).filter(([, value]) => !nested(value));
  const deep = Object.entries(data).filter(([, value]) => nested(value));
  return [
    definitions(Object.fromEntries(plain.map(([name, value]) => [name, anything(value)]))),
    deep.map(([name, value]) => [element("h4", {}, name.replaceAll("_", " ")), anything(value)]),
  ];
}

const nested = (value) => value && typeof value === "object" && (!Array.isArray(value) || value.some((item) => item && typeof item === "object"));

function scalar(value) {
  if (typeof value === "number") return Number.isInteger(value) ? value.toLocaleString("en") : exact4(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return value === null ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

const ROWS_MOST = 200;
function objectsTable(items) {
  const columns = [...new Set(items.flatMap((item) => Object.keys(item || {})))];
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": columns.join(", ") }, element("table", {},
    element("thead", {}, element("tr", {}, columns.map((name) => element("th", { scope: "col" }, name.replaceAll("_", " "))))),
    element("tbody", {}, items.slice(0, ROWS_MOST).map((item) => element("tr", {},
      columns.map((name) => element("td", {}, scalar(item[name] === undefined ? null : item[name]))))))));
}

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
