// Figures as SVG files of their own: styles are written into the elements, and heat maps are drawn anew as shapes.

const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "marker-end"];
const MOST_SHAPES = 60000;

function svgButton(picture, name, box = null) {
  return element("button", {
    type: "button", class: "quiet small save", "aria-label": `SVG: save ${name}`, title: "Save as SVG",
    onclick: () => download(`${fileName(name)}.svg`, svgText(picture(), box), "image/svg+xml"),
  }, "SVG");
}

const fileName = (name) => `${DATA.title} ${name}`.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 80) || "figure";

function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// The text of a picture that needs nothing of the page. `box`: what of it is shown.
function svgText(picture, box) {
  const copy = picture.cloneNode(true);
  if (picture.isConnected) {
    const originals = [picture, ...picture.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((node, i) => stateStyle(node, getComputedStyle(originals[i])));
  }
  if (box) {
    copy.setAttribute("viewBox", box.join(" "));
    copy.setAttribute("width", box[2]);
    copy.setAttribute("height", box[3]);
    copy.prepend(svg("rect", { x: box[0], y: box[1], width: box[2], height: box[3], fill: css(palette.panel) }));
  }
  copy.setAttribute("xmlns", SVG);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

function stateStyle(node, style) {
  STYLES.forEach((name) => {
    const value = style.getPropertyValue(name);
    if (value && value !== "none" || name === "fill" || name === "stroke") node.setAttribute(name, plainColour(value));
  });
  ["style", "class", "tabindex", "role", "data-nodes", "data-edge", "data-line", "aria-pressed", "aria-label"].forEach((name) => node.removeAttribute(name));
}

// Colours in the notation that every program reads.
const plainColour = (value) => (/^(oklch|oklab|color|color-mix|lab|lch)\(/.test(value) ? css(rgb(value)) : value);

// A heat map as shapes; of a very large one what fits.
function gridPicture(grid) {
  grid.measure();
  const { rows, columns, rowLabel, columnLabel, cellHeight, share, pole, text, dotted, rowColour, title } = grid.options;
  const shown = Math.min(rows, Math.max(1, Math.floor(MOST_SHAPES / Math.max(1, columns))));
  const [left, top, width] = [grid.gutter, grid.header, grid.cellWidth];
  const [w, h] = [left + columns * width + 2, top + shown * cellHeight + 2];
  const words = (x, y, label, extra = {}) => svg("text", { x: round1(x), y: round1(y), "font-size": 11, "font-family": "monospace", fill: css(palette.text), ...extra }, label);
  const parts = [svg("title", {}, title), svg("rect", { width: w, height: h, fill: css(palette.panel) })];
  for (let i = 0; i < shown; i++) {
    const y = top + i * cellHeight;
    if (rowColour) parts.push(svg("rect", { x: 0, y, width: 4, height: cellHeight, fill: plainColour(rowColour(i)) }));
    parts.push(words(left - 6, y + cellHeight / 2 + 4, rowLabel(i), { "text-anchor": "end" }));
    for (let j = 0; j < columns; j++) {
      const [x, colour] = [left + j * width, diverging(share(i, j), pole && palette[pole])];
      parts.push(svg("rect", { x, y, width: width - 1, height: cellHeight - 1, fill: css(colour), stroke: css(palette.line), "stroke-width": 0.5 }));
      if (dotted(i, j)) parts.push(svg("rect", { x: x + 1.5, y: y + 1.5, width: width - 4, height: cellHeight - 4, fill: "none", stroke: css(palette.select), "stroke-width": 2 }));
      const label = text && width >= 34 ? text(i, j) : "";
      if (label) parts.push(words(x + width / 2, y + cellHeight / 2 + 4, label, { "text-anchor": "middle", fill: readableOn(colour) }));
    }
  }
  for (let j = 0; j < columns; j++) {
    const x = left + j * width + width / 2;
    parts.push(grid.turned ? words(0, 0, columnLabel(j), { x: null, y: null, transform: `translate(${x + 4} ${top - 5}) rotate(-90)` })
      : words(x, top - 7, columnLabel(j), { "text-anchor": "middle" }));
  }
  return svg("svg", { width: w, height: h, viewBox: `0 0 ${w} ${h}` }, parts);
}
