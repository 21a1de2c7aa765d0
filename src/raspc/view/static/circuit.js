// The circuit: boxes by stage, a line for each edge. It is laid out when the page is made.

function drawCircuit() {
  const found = DATA.circuit;
  if (!found) {
    fill("circuit", element("p", { class: "muted" }, "The circuit of this model is not known, or too large to be drawn."));
    return;
  }
  fill("circuit", svg("svg", {
    width: found.width, height: found.height, viewBox: `0 0 ${found.width} ${found.height}`, role: "img", "aria-label": "The circuit",
  }, found.lines.map(circuitLine), found.boxes.map(circuitBox)));
}

const circuitLine = (line) => svg("path", {
  d: line.path, fill: "none", stroke: line.colour, "stroke-width": 1.6, "stroke-dasharray": line.dashed ? "4 3" : null,
}, svg("title", {}, line.words));

const circuitBox = (box) => svg("g", {}, svg("title", {}, box.words),
  svg("rect", { x: box.x, y: box.y, width: 132, height: 40, rx: 6, fill: box.fill, stroke: "#7788aa" }),
  svg("text", { x: box.x + 8, y: box.y + 16, "font-size": 11, "font-weight": "bold", fill: "#222" }, box.name),
  svg("text", { x: box.x + 8, y: box.y + 31, "font-size": 11, fill: "#444" }, box.below));
