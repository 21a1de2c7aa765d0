// The state of the page, and what redraws when it changes.

const state = { ids: DATA.input, run: null, meant: null, held: null, carried: null, stage: -1, position: null, chosen: null, hovered: null, whole: false };
for (let stage = 0; stage <= LAST_STAGE; stage++) if (inUse(stage)) state.stage = stage;

// What is drawn first, so that the page can be used, and what follows a moment later.
const FIRST = [drawAnswer, markStages, drawRun, () => { state.position = null; drawPosition(); }];
const THEN = [drawResiduals, drawAttention, drawNeurons, drawAnswers, inputChanged, () => {
  state.carried = carriedAlong(state.run);
  lightCircuit();
}, drawMarks];

function compute(ids) {
  state.ids = ids;
  state.run = forward([CONFIG.bos, ...ids]);
  state.meant = outside(ids) ? meansNothing(ids) : interpret(ids);
  state.held = decodeRun(state.run);
}

function recompute(ids) {
  compute(ids);
  [...FIRST, ...THEN].forEach((draw) => draw());
}

// One after another, each in a task of its own, so that the page answers in between.
function inTurn(tasks, end) {
  const [first, ...rest] = tasks;
  setTimeout(() => { first(); if (rest.length) inTurn(rest, end); else end(); }, 0);
}

function setStage(stage) {
  state.stage = Math.max(-1, Math.min(LAST_STAGE, stage));
  markStages();
  drawRun();
  drawPosition();
  streamGrids.forEach((grid) => grid.draw());
}

function choose(place) {
  state.chosen = state.chosen === place ? null : place;
  drawDetail();
  drawMarks();
  streamGrids.forEach((grid) => grid.draw());
}

function hover(place, redraw = true) {
  state.hovered = place;
  drawMarks();
  if (redraw) streamGrids.forEach((grid) => grid.draw());
}

const marked = () => (state.hovered !== null && state.hovered >= 0 ? state.hovered : state.chosen);
const isMarked = (place) => place >= 0 && place === marked();

// Everything that speaks of the marked node, of its readers, and of its sources.
function drawMarks() {
  const place = marked();
  const readers = new Set(place === null ? [] : shownReaders(place));
  const sources = new Set(place === null ? [] : shownRefs(place));
  document.querySelectorAll("[data-nodes]").forEach((node) => {
    const own = node.dataset.nodes.split(" ").map(Number);
    node.classList.toggle("marked", own.includes(place));
    node.classList.toggle("reader", !own.includes(place) && own.some((p) => readers.has(p)));
    node.classList.toggle("source", !own.includes(place) && own.some((p) => sources.has(p)));
    if (node.hasAttribute("aria-pressed")) node.setAttribute("aria-pressed", String(own.includes(state.chosen)));
  });
  document.querySelectorAll("[data-edge]").forEach((node) => {
    node.classList.toggle("marked", place !== null && node.dataset.edge.split(" ").map(Number).includes(place));
  });
  byId("graph").classList.toggle("focused", place !== null);
}

function onKey(event) {
  if (event.target.closest("input[type=text], select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && state.chosen !== null) choose(state.chosen);
  if (event.target.matches("input[type=range], input[type=radio]")) return;
  if (event.key === "ArrowLeft" && !scrolls(event.target)) setStage(state.stage - 1);
  if (event.key === "ArrowRight" && !scrolls(event.target)) setStage(state.stage + 1);
}

const scrolls = (node) => Boolean(node.closest(".scroll, .grid-scroll, .viewer-stage"));

function start() {
  readPalette();
  byId("summary").textContent = [
    plural(CONFIG.n_layers, "layer"), Array.isArray(CONFIG.n_heads) ? `heads ${widthText("n_heads")}` : `${plural(CONFIG.n_heads, "head")} each`, `d_model ${CONFIG.d_model}`,
    plural(DATA.facts.parameters, "parameter"), CONFIG.causal ? "causal" : null].filter(Boolean).join(" · ");
  drawReading();
  drawProgram();
  drawFolding();
  drawGraph();
  drawDetail();
  drawInput();
  drawDomain();
  drawStages();
  document.querySelectorAll("input[name=attention]").forEach((box) => box.addEventListener("change", drawAttention));
  document.querySelectorAll("input[name=answers]").forEach((box) => box.addEventListener("change", drawAnswers));
  document.addEventListener("keydown", onKey);
  onSchemeChange(() => drawGrids());
  compute(state.ids);
  FIRST.forEach((draw) => draw());
  startWriting();
  drawMarks();
  document.body.dataset.ready = "true";
  inTurn([drawCircuit, drawForcing, ...THEN, drawWeights, drawFacts, drawMarks], () => { document.body.dataset.drawn = "true"; });
}

// For other programs, such as tests: run ids, without BOS, through the model in the page.
window.raspc = Object.freeze({
  forward: (ids) => forward([CONFIG.bos, ...ids]), interpret, decodeRun, expectedAt, outside, randomIds, carriedAlong, whatIf, matrices: () => MATRICES, shares: sharesOf, neuronTests: () => DATA.neurons.flatMap(({ layer, from, to }) => Array.from({ length: to - from }, (_, i) => testText(neuronTest(layer, from + i), lettersOf({ layer, from, to })))), writeOne, nextToken: (ids) => nextToken(ids, forward([CONFIG.bos, ...ids])), data: DATA,
});

start();
