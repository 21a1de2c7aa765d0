// The certificate and the passes as a person reads them.

const DECISIONS_SHOWN = 12;

function certificateSection(found) {
  if (!found) return section("Certificate", element("p", { class: "muted" }, "The model holds none."));
  const links = [...found.links].sort((a, b) => usedOf(b) - usedOf(a));
  return element("section", { class: "card full certificate" }, element("h3", {}, "Certificate", verdictTag(found)),
    element("p", {}, certificateSentence(found)),
    links.length ? element("p", {}, weakestSentence(links[0])) : null,
    found.tolerance ? element("p", {}, `It still holds when every weight is off by up to ${exact4(found.tolerance)} of its size.`) : null,
    found.assumptions.length ? [element("p", {}, "It assumes:"), element("ul", {}, found.assumptions.map((text) => element("li", {}, text)))] : null,
    links.length ? decisionsTable(links) : null,
    element("details", {}, element("summary", {}, "What exactly this says"), element("p", {}, `${capital(found.says)}.`), definitions({
      "number format": found.dtype, "sums are taken in": found.summation, "sums are kept in": found.accumulate === "stored" ? found.dtype : found.accumulate,
      "attention weights are": found.probabilities === "stored" ? `rounded to ${found.dtype}` : "not rounded",
      ...(found.passes ? { "the passes keep the answers": `shown ${found.passes}` } : {}),
      ...(found.longest ? { "longest input that would hold": found.longest } : {}),
      ...(found.measured ? { "run on": `${found.measured.exhaustive ? "all " : ""}${plural(found.measured.inputs, "input")}, greatest error ${exact4(found.measured.max_error)}` } : {}),
    })));
}

const verdictTag = (found) => element("span", { class: `tag ${found.holds ? (found.proved ? "fine" : "") : "poor"}` }, found.holds ? (found.proved ? "proved" : "not proved") : "fails");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function certificateSentence(found) {
  const which = `every ${DOMAIN ? "permitted " : ""}input of up to ${plural(found.max_seq_len, "token")}`;
  if (found.proved) return `For ${which} this model answers as the program does, computed in ${found.dtype}. This is proved from the weights, not sampled.`;
  if (!found.holds) return `In ${found.dtype} the model does not keep the margins that it needs for ${which}.`;
  const ran = found.measured ? `It was run on ${found.measured.exhaustive ? "all " : ""}${plural(found.measured.inputs, "input")} in ${found.dtype}, and no answer was wrong.` : "";
  return `Bounds alone do not show that it is right for ${which}. ${ran}`;
}

function weakestSentence(link) {
  const used = usedOf(link);
  if (!used) return "No decision uses any of its margin.";
  return ["The tightest decision: ", mustHold(link), `; it uses ${percent(used)} of its margin.`];
}

const usedOf = ({ needed, present }) => (needed === 0 ? 0 : present > 0 ? needed / present : Infinity);
function percent(share) {
  if (share === 0) return "none";
  if (!Number.isFinite(share)) return "more than all";
  return share < 0.001 ? "less than 0.1 %" : `${String(Number((100 * share).toPrecision(2)))} %`;
}

// What must hold, in the words of the command line (weights/wording.py), with a name that can be chosen.
const mustHold = ({ must: [before, after], name }) => [before, nameOf(name), after];

function nameOf(label) {
  const place = NODES.findIndex((node) => node.label === label);
  return place < 0 ? label : reference(place);
}

function decisionsTable(links) {
  const row = (link) => element("tr", {}, element("td", { class: "must" }, mustHold(link)),
    element("td", { "data-th": "margin used" }, usedBar(usedOf(link))),
    element("td", { "data-th": "needs" }, scalar(link.needed)), element("td", { "data-th": "has" }, scalar(link.present)), element("td", { "data-th": "counted in" }, link.unit));
  const head = element("thead", {}, element("tr", {}, ["what must hold", "margin used", "needs", "has", "counted in"].map((name) => element("th", { scope: "col" }, name))));
  const rest = links.slice(DECISIONS_SHOWN, ROWS_MOST);
  return [element("table", { class: "stacked" }, head, element("tbody", {}, links.slice(0, DECISIONS_SHOWN).map(row))),
    rest.length ? element("details", {}, element("summary", {}, `${plural(rest.length, "decision")} more, all of them safer`),
      element("table", { class: "stacked" }, head.cloneNode(true), element("tbody", {}, rest.map(row)))) : null];
}

function usedBar(share) {
  const bar = element("i", {});
  bar.style.width = `${Math.min(100, 100 * share)}%`;
  return element("span", { class: `used${share > 1 ? " over" : ""}` }, element("span", { class: "used-bar", "aria-hidden": "true" }, bar), percent(share));
}

// -- passes ----------------------------------------------------------------------------------------------

const COUNTED = { nodes: "nodes", directions: "directions", n_layers: "layers", n_heads: "heads a layer", d_head: "d_head", d_model: "d_model", d_mlp: "d_mlp", parameters: "parameters" };

function passesSection({ passes, optimize, schedule, written, notes }) {
  const acted = (passes || []).filter((pass) => changes(pass).length || pass.changed);
  const idle = (passes || []).filter((pass) => !acted.includes(pass));
  return element("section", { class: "card full" }, element("h3", {}, "Passes"),
    element("p", {}, passes && passes.length ? `Compiled at -O${optimize}: ${plural(passes.length, "pass").replace("passs", "passes")} ran, ${acted.length || "none"} changed something.` : "No report of the passes is stored in the model.",
      schedule ? ` Blocks were put into layers by the ${schedule.method.replace(/_/g, " ")} method; that no schedule has fewer is ${schedule.optimal ? "proved" : "not proved"}.` : ""),
    acted.length ? element("ul", { class: "passes" }, acted.map((pass) => element("li", {}, element("strong", {}, pass.name.replaceAll("_", " ")),
      pass.does ? `: ${pass.does}` : "", element("span", { class: "change" }, changes(pass).join(", ") || `${plural(pass.changed, "change")}`)))) : null,
    idle.length ? element("p", { class: "muted" }, `Nothing to do for ${idle.map((pass) => pass.name.replaceAll("_", " ")).join(", ")}.`) : null,
    written ? element("details", {}, element("summary", {}, "The program before the passes"), element("pre", {}, written.join("\n"))) : null,
    notes.map((note) => element("p", { class: "note" }, note)));
}

const changes = ({ before = {}, after = {} }) => Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name])
  .map((name) => `${COUNTED[name] || name} ${scalar(before[name] ?? null)} → ${scalar(after[name] ?? null)}`);
