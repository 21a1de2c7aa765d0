// The run: what the model holds of every variable after a stage, beside the interpreter's value.

function drawStages() {
  const stages = Array.from({ length: LAST_STAGE + 2 }, (_, i) => i - 1);
  fill("stages", stages.map((stage) => element("button", {
    type: "button", class: `stage${stage < 0 || inUse(stage) ? "" : " idle"}`, "data-stage": stage, "aria-pressed": "false", onclick: () => setStage(stage),
  }, stage < 0 ? "embed" : [element("small", {}, `layer ${stage >> 1}`), stage & 1 ? "MLP" : "attention"])));
  const slider = byId("slider");
  slider.max = LAST_STAGE;
  slider.addEventListener("input", () => setStage(Number(slider.value)));
  byId("previous").addEventListener("click", () => setStage(state.stage - 1));
  byId("next").addEventListener("click", () => setStage(state.stage + 1));
  byId("readable").addEventListener("change", drawRun);
}

function markStages() {
  document.querySelectorAll("#stages .stage").forEach((button) => {
    const stage = Number(button.dataset.stage);
    button.setAttribute("aria-pressed", String(stage === state.stage));
    button.classList.toggle("wrong", wrongAt(stage) > 0);
    const idle = stage < 0 || inUse(stage) ? "" : "nothing is computed here";
    button.title = wrongAt(stage) ? `${wrongAt(stage)} values differ from the interpreter's` : idle;
  });
  document.querySelectorAll("#graph .band").forEach((band) => {
    band.classList.toggle("current", Number(band.dataset.stage) === state.stage);
  });
  const slider = byId("slider");
  byId("stage-now").textContent = state.stage < 0 ? "embedding" : stageName(state.stage);
  slider.value = state.stage;
  slider.setAttribute("aria-valuetext", `after ${stageName(state.stage)}`);
  document.querySelectorAll("[data-after]").forEach((node) => { node.textContent = `after ${stageName(state.stage)}`; });
}

const differs = (found, meant) => meant !== UNKNOWN && !agree(found, meant);

function wrongAt(stage) {
  return heldAt(state.held, stage).reduce((sum, values, place) => sum + (values
    ? values.filter((found, t) => differs(found, expectedAt(state.meant, place, t))).length : 0), 0);
}

// Whether any head or neuron of a stage computes something.
const inUse = (stage) => (stage & 1 ? DATA.neurons : DATA.heads).some((part) => part.layer === stage >> 1);

function drawRun() {
  const held = heldAt(state.held, state.stage);
  const onlyReadable = byId("readable").checked;
  const places = NODES.map((_, place) => place).filter((place) => !isPattern(NODES[place]) && !isFolded(place) && (held[place] || !onlyReadable));
  fill("run", runTable(places, held));
  const wrong = wrongAt(state.stage);
  const count = held.filter(Boolean).length;
  byId("run-summary").textContent = !count ? "None can be read here." : `${plural(count, "variable")} can be read ${state.stage < 0 ? "from the embedding" : `after ${stageName(state.stage)}`}; `
    + (wrong ? `${plural(wrong, "value")} differ from the interpreter's.` : "all as the interpreter has them.");
  byId("run-summary").className = wrong ? "bad" : "muted";
  drawMarks();
}

function runTable(places, held) {
  const header = element("tr", {}, element("th", { scope: "col" }, "variable"),
    state.ids.map((id, t) => element("th", { scope: "col", "data-t": t + 1 }, element("small", {}, t), tokenText(id))));
  const rows = places.map((place) => element("tr", { "data-nodes": place },
    element("th", { scope: "row" }, swatch(place), reference(place)),
    state.ids.map((_, t) => runCell(held[place] && held[place][t], expectedAt(state.meant, place, t), t))));
  return element("table", {}, element("thead", {}, header), element("tbody", {}, rows));
}

function runCell(found, meant, t) {
  const wrong = found && differs(found, meant);
  return element("td", { class: wrong ? "wrong" : found ? null : "absent", "data-t": t + 1, "data-token": tokenText(state.ids[t]) },
    element("span", { class: "held" }, found ? found.text : "·"),
    element("span", { class: "meant" }, wrong ? `≠ ${meant.text}` : meant.text));
}
