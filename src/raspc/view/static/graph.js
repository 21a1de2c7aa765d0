// The program as a graph, laid out over the stages at which the model computes it.
// A width, and a mean that neurons finish, stand between the attention that leaves them and the neurons that read them.

const BOX = { height: 42, wide: 190, narrow: 78 };
const boxWidth = (label, below) => Math.max(BOX.narrow, Math.min(BOX.wide, Math.max(7.7 * Math.min(22, label.length), 5.9 * Math.min(30, below.length)) + 28));

// Columns of the layout: for each standing the nodes by how many others of the same standing they need before them.
function graphColumns(places) {
  const where = new Map();
  const depth = new Map();
  places.forEach((place) => {
    const refs = shownRefs(place).filter((ref) => where.has(ref));
    const own = hasParts(NODES[place]) || isPattern(NODES[place]) ? standing(NODES[place]) : Math.max(NODES[place].stage, ...refs.map((ref) => where.get(ref)));
    where.set(place, own);
    const near = refs.filter((ref) => where.get(ref) === own);
    depth.set(place, near.length ? 1 + Math.max(...near.map((ref) => depth.get(ref))) : 0);
  });
  const keys = [...new Set(places.map((place) => `${where.get(place)} ${depth.get(place)}`))].map((key) => key.split(" ").map(Number))
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return keys.map(([stage, deep]) => ({ stage, places: places.filter((place) => where.get(place) === stage && depth.get(place) === deep) }));
}

const stageTitle = (stage) => (stage < 0 ? "embedding" : `layer ${stage >> 1} ${stage & 1 ? "MLP" : "attention"}`);

function drawGraph() {
  const columns = graphColumns(shownPlaces());
  const boxes = columns.map(({ places }) => places.map((id) => ({ id, width: boxWidth(NODES[id].label, kindOf(NODES[id])), height: BOX.height })));
  const edges = columns.flatMap(({ places }) => places.flatMap((to) => shownRefs(to).map((from) => ({ from, to }))));
  const found = layered(boxes, edges);
  const bands = bandsOf(columns, found);
  const width = Math.max(found.width, ...bands.map((band) => band.x + band.width));
  const picture = svg("svg", { role: "group", "aria-label": "The program as a graph over the layers" },
    bands.map((band) => svg("g", { class: "band", "data-stage": band.stage },
      svg("rect", { x: round1(band.x), y: 0, width: round1(band.width), height: round1(found.height), rx: 8 }),
      svg("text", { x: round1(band.x + band.width / 2), y: 22, "text-anchor": "middle" }, stageTitle(band.stage)))),
    found.paths.map(({ from, to, path }) => edgeLine(path, nodeColour(from), {
      class: `edge${isPattern(NODES[from]) ? " of-selector" : ""}`, "data-edge": `${from} ${to}`,
    }, `${NODES[from].label} → ${NODES[to].label}`)),
    columns.flatMap(({ places }) => places.map((place) => graphBox(NODES[place], place, found.at.get(place)))));
  showPicture("graph", picture, { width, height: found.height, name: "program", title: "Graph of the program over the layers" });
}

// A band for each stage in use; a column that stands between two stages is cut by their border.
function bandsOf(columns, { at }) {
  const extents = columns.map(({ stage, places }) => ({
    stage, left: Math.min(...places.map((p) => at.get(p).x)), right: Math.max(...places.map((p) => at.get(p).x + at.get(p).width)),
  }));
  const stages = [...new Set(extents.flatMap(({ stage }) => (Number.isInteger(stage) ? [stage] : [stage - 0.5])))].sort((a, b) => a - b);
  const cuts = stages.slice(1).map((stage, i) => {
    const before = extents.filter((e) => e.stage <= stages[i] || Math.floor(e.stage) === stages[i]);
    const behind = extents.filter((e) => e.stage >= stage);
    const between = before.filter((e) => !Number.isInteger(e.stage) && Math.floor(e.stage) === stages[i]);
    if (between.length) { const last = between[between.length - 1]; return (last.left + last.right) / 2; }
    return (Math.max(...before.map((e) => e.right)) + Math.min(...behind.map((e) => e.left))) / 2;
  });
  const end = Math.max(...extents.map((e) => e.right)) + LAYERED.pad;
  return stages.map((stage, i) => {
    const x = i ? cuts[i - 1] + 3 : 0;
    const stop = i < cuts.length ? cuts[i] - 3 : end;
    return { stage, x, width: Math.max(stop - x, 8 * stageTitle(stage).length + 16) };
  });
}

// A line with its arrow head, in the colour of where it comes from.
function edgeLine(path, colour, attributes, words) {
  const [x, y] = path.match(/(-?[\d.]+) (-?[\d.]+)$/).slice(1).map(Number);
  const line = svg("path", { class: "line", d: path });
  const head = svg("path", { class: "head", d: `M${x - 4} ${y - 3.6} L${x + 3} ${y} L${x - 4} ${y + 3.6} Z` });
  line.style.stroke = colour;
  head.style.fill = colour;
  return svg("g", attributes, line, head, svg("title", {}, words));
}

function graphBox(node, place, { x, y, width }) {
  const selector = isPattern(node);
  const top = y - BOX.height / 2;
  const mark = svg("rect", { class: "stripe", x: round1(x + 8), y: round1(top + 10), width: 4, height: BOX.height - 20, rx: 2 });
  mark.style.fill = nodeColour(place);
  return svg("g", {
    class: `box${selector ? " selector" : ""}${!selector && !hasParts(node) && node.stage >= 0 ? " virtual" : ""}${place === DATA.output ? " output" : ""}`,
    "data-nodes": place, tabindex: "0", role: "button", "aria-pressed": "false",
    onclick: () => choose(place), onmouseenter: () => hover(place), onmouseleave: () => hover(null),
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(place);
    },
  },
  svg("rect", { class: "face", x: round1(x), y: round1(top), width: round1(width), height: BOX.height, rx: selector ? BOX.height / 2 : 7 }),
  mark,
  svg("text", { class: "label", x: round1(x + 19), y: round1(top + 18) }, shortLabel(node.label)),
  svg("text", { class: "kind", x: round1(x + 19), y: round1(top + 33) }, kindOf(node)),
  svg("title", {}, `${node.label} = ${lineText(place)}`));
}

const shortLabel = (label) => (label.length > 22 ? `${label.slice(0, 14)}…${label.slice(-7)}` : label);
const lineText = (place) => piecesOf(place).map((part) => (typeof part === "number" ? NODES[part].label : part)).join("");
