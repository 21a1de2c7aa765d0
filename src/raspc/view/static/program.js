// The program as text, and all that is known of the chosen variable.

function drawProgram() {
  fill("program", shownPlaces().map((place) => {
    const node = NODES[place];
    return element("li", {
      class: `line ${node.kind}${place === DATA.output ? " output" : ""}`, "data-nodes": place,
      onmouseenter: () => hover(place), onmouseleave: () => hover(null),
    }, swatch(place), reference(place), element("span", { class: "is" }, "="), element("code", {}, segments(place)),
    place === DATA.output ? element("span", { class: "tag" }, "output") : null,
    node.remark ? element("span", { class: "remark" }, node.remark) : null);
  }));
}

// The nodes that are folded into others, or all of them.
function drawFolding() {
  const count = FOLDABLE.filter(Boolean).length;
  byId("folding").hidden = !count;
  byId("folding-text").textContent = `show ${count === 1 ? "the node" : `the ${count} nodes`} without a name or a part of the model of ${count === 1 ? "its" : "their"} own`;
  byId("whole").addEventListener("change", () => {
    state.whole = byId("whole").checked;
    drawProgram();
    drawGraph();
    drawDetail();
    drawRun();
    scheduleForcing();
    markStages();
    drawMarks();
  });
}

const segments = (place) => piecesOf(place).map((part) => (typeof part === "number"
  ? element("span", { class: "name", "data-nodes": part }, NODES[part].label) : part));

function drawDetail() {
  const place = state.chosen;
  if (place === null) {
    fill("detail", element("p", { class: "muted" },
      "Choose a variable or selector, here or in the graph, to see it in every part of the page. Escape lets it go."));
    return;
  }
  const node = NODES[place];
  fill("detail",
    element("h3", {}, swatch(place), node.label, element("span", { class: "kind" }, kindOf(node))),
    element("p", {}, element("code", {}, segments(place))),
    element("dl", {}, facts(place, node).map(([term, content]) => [element("dt", {}, term), element("dd", {}, content)])));
}

const KINDS = {
  token: "input", index: "input", length: "variable", table: "elementwise", affine: "linear", sign: "comparison",
  width: "selector width", aggregate: "aggregate", sum: "sum", select: "selector", gate: "selector", best: "selector",
};
const kindOf = (node) => (node.constant ? "constant" : KINDS[node.kind]);

function facts(place, node) {
  const found = [];
  if (node.valueSet) found.push(["can be", node.valueSet]);
  if (node.remark) found.push(["is a", node.remark]);
  found.push(["computed", whereComputed(place, node)]);
  for (const space of node.spaces || []) found.push(["lives on", lifeOf(space)]);
  found.push(["reads", names(node.refs)]);
  found.push(["read by", names(READERS[place])]);
  return found;
}

const names = (places) => (places.length
  ? places.map((place, i) => [i ? " " : null, reference(place)]) : element("span", { class: "muted" }, "nothing"));

function whereComputed(place, node) {
  if (isPattern(node)) {
    const uses = DATA.heads.filter((head) => head.selector === place);
    return uses.length ? uses.map((head) => `layer ${head.layer} head ${head.head}`).join(", ") : "as a part of other selectors";
  }
  if (node.computedBy.length) return node.computedBy.map(partName).join(", ");
  if (node.readFrom.length) return `nowhere: it is read off ${node.readFrom.join(", ")}`;
  return node.spaces.length ? "in the embedding" : "nowhere: it is constant, or no one reads it";
}

function partName(part) {
  return part.sublayer === "attention" ? `layer ${part.layer} head ${part.head}`
    : `layer ${part.layer} MLP, neurons ${range(...part.neurons)}`;
}

function lifeOf(space) {
  const dims = `dimension${space.dims[1] - space.dims[0] === 1 ? "" : "s"} ${range(...space.dims)}`;
  const from = space.from_stage < 0 ? "from the embedding" : `from ${stageName(space.from_stage)}`;
  if (space.to_stage === null) return `${dims}, ${from}; no one reads it`;
  return `${dims}, ${from} to ${space.to_stage > LAST_STAGE ? "the output" : stageName(space.to_stage)}`;
}
