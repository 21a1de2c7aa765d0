// The program as a graph, laid out over the stages at which the model computes it.

const BOX = { height: 40, gapX: 30, gapY: 12, top: 44, pad: 14 };
const boxWidth = (node) => Math.max(6 * kindOf(node).length + 30, Math.min(176, 7.7 * Math.min(20, node.label.length) + 26));

// Stages in use, each with sub-columns: a node stands right of whatever it reads at the same stage.
function layOutGraph() {
  const depth = [];
  NODES.forEach((node, place) => {
    const near = node.refs.filter((ref) => NODES[ref].stage === node.stage);
    depth[place] = near.length ? 1 + Math.max(...near.map((ref) => depth[ref])) : 0;
  });
  const stages = [...new Set(NODES.map((node) => node.stage))].sort((a, b) => a - b);
  const at = [];
  const bands = [];
  let x = 0;
  for (const stage of stages) {
    const start = x;
    x += BOX.pad;
    const inside = NODES.map((node, place) => place).filter((place) => NODES[place].stage === stage);
    for (let d = 0; d <= Math.max(...inside.map((place) => depth[place])); d++) {
      const column = ordered(inside.filter((place) => depth[place] === d), at);
      if (!column.length) continue;
      const width = Math.max(...column.map((place) => boxWidth(NODES[place])));
      column.forEach((place, row) => {
        at[place] = { x, y: BOX.top + row * (BOX.height + BOX.gapY), width };
      });
      x += width + BOX.gapX;
    }
    x += BOX.pad - BOX.gapX;
    x = Math.max(x, start + 8 * stageTitle(stage).length + 16);
    bands.push({ stage, x: start, width: x - start });
    x += 18;
  }
  const height = Math.max(...at.map((box) => box.y)) + BOX.height + 14;
  at.forEach((box, place) => center(box, place, at, height));
  return { at, bands, width: x - 18, height };
}

const stageTitle = (stage) => (stage < 0 ? "embedding" : `layer ${stage >> 1} ${stage & 1 ? "MLP" : "attention"}`);

// In the order of where their sources stand, so that few edges cross.
function ordered(column, at) {
  const height = (place) => {
    const sources = NODES[place].refs.filter((ref) => at[ref]);
    return sources.length ? sources.reduce((sum, ref) => sum + at[ref].y, 0) / sources.length : 1e9;
  };
  return column.map((place) => [height(place), place]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, place]) => place);
}

// A sub-column with fewer boxes than the fullest stands in the middle.
function center(box, place, at, height) {
  if (box.moved) return;
  const mates = at.filter((other) => other.x === box.x);
  const shift = (height - 14 - BOX.height - Math.max(...mates.map((mate) => mate.y))) / 2;
  mates.forEach((mate) => { mate.y += shift; mate.moved = true; });
}

function drawGraph() {
  const { at, bands, width, height } = layOutGraph();
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "The program as a graph over the layers",
  });
  bands.forEach((band) => picture.append(svg("g", { class: "band", "data-stage": band.stage },
    svg("rect", { x: band.x, y: 0, width: band.width, height, rx: 8 }),
    svg("text", { x: band.x + band.width / 2, y: 20, "text-anchor": "middle" }, stageTitle(band.stage)))));
  NODES.forEach((node, place) => node.refs.forEach((ref) => picture.append(edge(at[ref], at[place], ref, place))));
  NODES.forEach((node, place) => picture.append(box(node, place, at[place])));
  fill("graph", picture);
}

function edge(from, to, source, target) {
  const [x1, y1] = [from.x + from.width, from.y + BOX.height / 2];
  const [x2, y2] = [to.x, to.y + BOX.height / 2];
  const bend = Math.max(18, (x2 - x1) / 2);
  return svg("path", {
    class: `edge${isPattern(NODES[source]) ? " of-selector" : ""}`, "data-edge": `${source} ${target}`,
    d: `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
  });
}

function box(node, place, { x, y, width }) {
  const selector = isPattern(node);
  const mark = svg("rect", { class: "stripe", x: x + 7, y: y + 11, width: 4, height: BOX.height - 22, rx: 2 });
  mark.style.fill = nodeColour(place);
  return svg("g", {
    class: `box${selector ? " selector" : ""}${node.computedBy && !node.computedBy.length && node.stage >= 0 ? " virtual" : ""}`,
    "data-nodes": place, tabindex: "0", role: "button", "aria-pressed": "false",
    onclick: () => choose(place), onmouseenter: () => hover(place), onmouseleave: () => hover(null),
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(place);
    },
  },
  svg("rect", { class: "face", x, y, width, height: BOX.height, rx: selector ? BOX.height / 2 : 7 }),
  mark,
  svg("text", { class: "label", x: x + 17, y: y + 17 }, shortLabel(node.label)),
  svg("text", { class: "kind", x: x + 17, y: y + 31 }, kindOf(node)),
  node.label === shortLabel(node.label) ? null : svg("title", {}, node.label));
}

const shortLabel = (label) => (label.length > 20 ? `${label.slice(0, 19)}…` : label);
