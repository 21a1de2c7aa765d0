// Pointing at a token: its column stands out in every part, and the tokens that it attends to are tinted.

function pointAt(t, redraw = true) {
  if (state.position === t) return;
  state.position = t;
  drawPosition();
  lightCircuit();
  Grid.all.forEach((grid) => { if (redraw || grid.cursor === null) grid.draw(); });
}

// What the heads of a layer in use give each key, for the query that is pointed at: the greatest of them.
function attendedFrom(t) {
  const { run, stage } = state;
  const layer = stage < 0 ? 0 : stage >> 1;
  const heads = DATA.heads.filter((head) => head.layer === layer);
  return Array.from({ length: run.length }, (_, k) => Math.max(0, ...heads.map((head) => run.patterns[layer][head.head][t * run.length + k])));
}

function drawPosition() {
  const t = state.position;
  const there = t !== null && t < state.run.length;
  document.querySelectorAll("[data-t]").forEach((node) => node.classList.toggle("pointed", there && Number(node.dataset.t) === t));
  const weights = there && CONFIG.n_layers ? attendedFrom(t) : [];
  document.querySelectorAll("#answer .pair").forEach((node) => {
    node.style.setProperty("--attended", there ? String(Math.round(100 * Math.sqrt(weights[Number(node.dataset.t)] || 0))) : "0");
  });
  byId("position").textContent = there && t > 0 ? positionText(t, weights) : POSITION_HINT;
}

const POSITION_HINT = "Point at a token to follow it through every part of the page.";

function positionText(t, weights) {
  const held = heldAt(state.held, state.stage);
  const values = NODES.flatMap((node, place) => (held[place] && !isFolded(place) ? [`${node.label} ${held[place][t - 1].text}`] : []));
  const targets = weights.map((weight, k) => [weight, k]).filter(([weight]) => weight > 0.01).sort((a, b) => b[0] - a[0]).slice(0, 3)
    .map(([weight, k]) => `${positionName(k)} ${weightText(weight) === "1" ? "1" : `0${weightText(weight)}`}`);
  return `${capital(positionName(t))}, after ${stageName(state.stage)}: ${values.slice(0, 6).join(", ") || "nothing can be read"}${values.length > 6 ? " …" : ""}.`
    + (targets.length ? ` It attends in layer ${Math.max(0, state.stage >> 1)} to ${targets.join(", ")}.` : "");
}
