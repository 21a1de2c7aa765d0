// A heat map of named rows and columns on a canvas that is only as large as what is seen of it,
// so that thousands of rows cost nothing. Arrow keys move a cell; its content is read out below.

const FONT = "11px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const GUTTER_MOST = 230;
const HEADER_MOST = 74;

// options: title, rows, columns, rowLabel, columnLabel, share (−1…1), pole, text, describe, and optionally
// rowColour, rowActive, columnActive, onRow, onColumn, dotted, hatched, cellWidth, cellHeight, tallest.
class Grid {
  constructor(options) {
    this.options = { cellHeight: 18, tallest: 520, dotted: () => false, hatched: () => false, rowActive: () => false, columnActive: () => false, ...options };
    this.cursor = null;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.spacer = element("div", { class: "grid-spacer" }, this.canvas);
    this.scroll = element("div", {
      class: "grid-scroll", tabindex: "0", role: "img", "aria-label": `${options.title}. Arrow keys read out its cells.`,
      onscroll: () => this.draw(), onkeydown: (event) => this.onKey(event), onmousemove: (event) => this.onMouse(event),
      onmouseleave: () => this.point(null), onfocus: () => this.cursor || this.point([0, 0]), onblur: () => this.point(null),
    }, this.spacer);
    this.readout = element("p", { class: "readout", "aria-live": "polite" }, this.options.hint || " ");
    this.node = element("div", { class: "grid" }, this.scroll, element("div", { class: "grid-foot" }, this.readout, svgButton(() => gridPicture(this), options.title)));
    new ResizeObserver(() => { if (this.scroll.clientWidth !== this.drawnFor) this.draw(); }).observe(this.scroll);
    Grid.all.add(this);
  }

  measure() {
    const { rows, columns, rowLabel, columnLabel, cellHeight } = this.options;
    const widest = (count, label) => {
      let most = 0;
      for (let i = 0; i < count; i++) most = Math.max(most, widthOf(label(i)));
      return most;
    };
    this.gutter = Math.min(this.options.gutterMost || GUTTER_MOST, (this.options.gutterShare || 0.5) * (this.scroll.clientWidth || 600), widest(rows, rowLabel) + 22);
    const label = widest(columns, columnLabel);
    const space = (this.scroll.clientWidth || 600) - this.gutter - 2;
    this.cellWidth = this.options.cellWidth || Math.max(12, Math.min(this.options.widest || 46, Math.floor(space / Math.max(1, columns))));
    this.turned = label > this.cellWidth - 4;
    this.header = this.turned ? Math.min(HEADER_MOST, label + 12) : 22;
    this.width = this.gutter + columns * this.cellWidth + 1;
    this.height = this.header + rows * cellHeight + 1;
  }

  draw() {
    if (!this.scroll.isConnected) return;
    this.drawnFor = this.scroll.clientWidth;
    this.measure();
    const { tallest } = this.options;
    this.spacer.style.width = `${this.width}px`;
    this.spacer.style.height = `${this.height}px`;
    this.scroll.style.maxHeight = this.whole ? "none" : `${tallest}px`;
    const width = Math.min(this.width, this.whole ? this.width : this.scroll.clientWidth);
    const height = Math.min(this.height, this.whole ? 8000 : tallest);
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.ceil(width * ratio) || this.canvas.height !== Math.ceil(height * ratio)) {
      this.canvas.width = Math.ceil(width * ratio);
      this.canvas.height = Math.ceil(height * ratio);
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = FONT;
    pen.textBaseline = "middle";
    pen.fillStyle = css(palette.panel);
    pen.fillRect(0, 0, width, height);
    this.drawCells(pen, width, height);
    this.drawRowLabels(pen, height);
    this.drawColumnLabels(pen, width);
  }

  // Calls with each row (or column) that is seen, and where it starts.
  seenRows(height, each) {
    const { rows, cellHeight } = this.options;
    const top = this.scroll.scrollTop;
    const first = Math.floor(top / cellHeight);
    const last = Math.min(rows, Math.ceil((top + height - this.header) / cellHeight));
    for (let i = first; i < last; i++) each(i, this.header + i * cellHeight - top);
  }

  seenColumns(width, each) {
    const left = this.scroll.scrollLeft;
    const first = Math.floor(left / this.cellWidth);
    const last = Math.min(this.options.columns, Math.ceil((left + width - this.gutter) / this.cellWidth));
    for (let j = first; j < last; j++) each(j, this.gutter + j * this.cellWidth - left);
  }

  drawCells(pen, width, height) {
    pen.save();
    pen.beginPath();
    pen.rect(this.gutter, this.header, width, height);
    pen.clip();
    pen.textAlign = "center";
    this.seenRows(height, (i, y) => this.seenColumns(width, (j, x) => this.drawCell(pen, i, j, x, y)));
    pen.restore();
  }

  drawCell(pen, i, j, x, y) {
    const { cellHeight, share, pole, text, dotted, hatched } = this.options;
    const [w, h] = [this.cellWidth - 1, cellHeight - 1];
    const colour = diverging(share(i, j), pole && palette[pole]);
    pen.fillStyle = css(colour);
    pen.fillRect(x, y, w, h);
    if (hatched(i, j)) this.hatch(pen, x, y, w, h);
    if (text && this.cellWidth >= 34) {
      pen.fillStyle = readableOn(colour);
      pen.fillText(text(i, j), x + w / 2, y + h / 2 + 0.5, w - 2);
    }
    if (dotted(i, j)) this.dot(pen, x, y, w, h);
    pen.strokeStyle = css(palette.line, 0.55);
    pen.lineWidth = 0.5;
    pen.strokeRect(x - 0.25, y - 0.25, this.cellWidth, cellHeight);
    if (this.cursor && this.cursor[0] === i && this.cursor[1] === j) {
      pen.strokeStyle = css(palette.text);
      pen.lineWidth = 2;
      pen.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
    }
  }

  hatch(pen, x, y, w, h) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, w, h);
    pen.clip();
    pen.strokeStyle = css(palette.muted, 0.45);
    pen.lineWidth = 1;
    pen.beginPath();
    for (let d = -h; d < w; d += 5) { pen.moveTo(x + d, y + h); pen.lineTo(x + d + h, y); }
    pen.stroke();
    pen.restore();
  }

  // A frame, or in a small cell a dot.
  dot(pen, x, y, w, h) {
    if (Math.min(w, h) < 14) {
      const side = Math.max(2, Math.min(w, h) * 0.4);
      pen.fillStyle = css(palette.select);
      pen.fillRect(x + (w - side) / 2, y + (h - side) / 2, side, side);
      return;
    }
    const inset = Math.max(1, Math.min(w, h) * 0.08);
    pen.strokeStyle = css(palette.select);
    pen.lineWidth = Math.max(1.5, Math.min(w, h) / 9);
    pen.strokeRect(x + inset, y + inset, w - 2 * inset, h - 2 * inset);
  }

  drawRowLabels(pen, height) {
    const { rowLabel, rowColour, rowActive, cellHeight } = this.options;
    pen.save();
    pen.beginPath();
    pen.rect(0, this.header, this.gutter, height);
    pen.clip();
    pen.textAlign = "right";
    const step = Math.ceil(12 / cellHeight);
    this.seenRows(height, (i, y) => {
      if (rowActive(i)) {
        pen.fillStyle = css(palette.mark, 0.35);
        pen.fillRect(0, y, this.gutter, cellHeight);
      }
      if (rowColour) {
        pen.fillStyle = rowColour(i);
        pen.fillRect(0, y, 4, cellHeight);
      }
      if (i % step) return;
      pen.fillStyle = css(palette.text);
      pen.fillText(cut(pen, rowLabel(i), this.gutter - 16), this.gutter - 6, y + cellHeight / 2);
    });
    pen.restore();
  }

  drawColumnLabels(pen, width) {
    const { columnLabel, columnActive } = this.options;
    const step = Math.ceil((this.turned ? 12 : 1) / this.cellWidth);
    pen.save();
    pen.beginPath();
    pen.rect(this.gutter, 0, width, this.header);
    pen.clip();
    this.seenColumns(width, (j, x) => {
      if (columnActive(j)) {
        pen.fillStyle = css(palette.mark, 0.45);
        pen.fillRect(x, 0, this.cellWidth - 1, this.header);
      }
      if (j % step) return;
      pen.save();
      pen.fillStyle = css(palette.text);
      pen.translate(x + this.cellWidth / 2, this.turned ? this.header - 5 : this.header / 2);
      if (this.turned) pen.rotate(-Math.PI / 2);
      pen.textAlign = this.turned ? "left" : "center";
      pen.fillText(cut(pen, columnLabel(j), this.turned ? this.header - 8 : this.cellWidth - 2), 0, 0);
      pen.restore();
    });
    pen.restore();
  }

  onMouse(event) {
    const box = this.scroll.getBoundingClientRect();
    const x = event.clientX - box.left - this.gutter;
    const y = event.clientY - box.top - this.header;
    if (x < 0 || y < 0) { this.point(null); return; }
    const cell = [(y + this.scroll.scrollTop) / this.options.cellHeight, (x + this.scroll.scrollLeft) / this.cellWidth];
    this.point(cell.map(Math.floor));
  }

  onKey(event) {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const [row, col] = this.cursor || [0, 0];
    const { rows, columns, cellHeight } = this.options;
    this.point([Math.max(0, Math.min(rows - 1, row + move[0])), Math.max(0, Math.min(columns - 1, col + move[1]))]);
    const room = this.scroll.clientHeight - this.header;
    const y = this.cursor[0] * cellHeight;
    if (y < this.scroll.scrollTop) this.scroll.scrollTop = y;
    if (y + cellHeight > this.scroll.scrollTop + room) this.scroll.scrollTop = y + cellHeight - room;
    const x = this.cursor[1] * this.cellWidth;
    const width = this.scroll.clientWidth - this.gutter;
    if (x < this.scroll.scrollLeft) this.scroll.scrollLeft = x;
    if (x + this.cellWidth > this.scroll.scrollLeft + width) this.scroll.scrollLeft = x + this.cellWidth - width;
  }

  point(cell) {
    const { rows, columns, describe, onRow, onColumn } = this.options;
    const inside = cell && cell[0] >= 0 && cell[1] >= 0 && cell[0] < rows && cell[1] < columns;
    const next = inside ? cell : null;
    if (String(next) === String(this.cursor)) return;
    const rowChanged = (next && next[0]) !== (this.cursor && this.cursor[0]);
    const columnChanged = (next && next[1]) !== (this.cursor && this.cursor[1]);
    this.cursor = next;
    this.readout.textContent = next ? describe(next[0], next[1]) : this.options.hint || " ";
    if (onRow && rowChanged) onRow(next ? next[0] : null);
    if (onColumn && columnChanged) onColumn(next ? next[1] : null);
    this.draw();
  }

  remove() { Grid.all.delete(this); }
}

Grid.all = new Set();
const drawGrids = () => Grid.all.forEach((grid) => (grid.node.isConnected ? grid.draw() : grid.remove()));

// How wide a label is; each is measured once.
const WIDTHS = new Map();
const ruler = document.createElement("canvas").getContext("2d");
function widthOf(label) {
  if (!WIDTHS.has(label)) {
    ruler.font = FONT;
    WIDTHS.set(label, ruler.measureText(label).width);
  }
  return WIDTHS.get(label);
}

// A label that fits: of a long one the start and the end, where its value stands.
function cut(pen, label, room) {
  if (pen.measureText(label).width <= room) return label;
  const most = Math.max(3, Math.floor(room / pen.measureText("m").width) - 1);
  const end = Math.min(12, Math.floor(most / 2));
  return `${label.slice(0, most - end)}…${label.slice(label.length - end)}`;
}

// Printed, every heat map is shown in full, and in the colours of paper.
let themeOnScreen;
function printing(whole) {
  const root = document.documentElement.dataset;
  if (whole) themeOnScreen = root.theme || "auto";
  root.theme = whole ? "light" : themeOnScreen || "auto";
  readPalette();
  Grid.all.forEach((grid) => { grid.whole = whole; });
  VIEWPORTS.forEach((port) => port.print(whole));
  drawGrids();
}
addEventListener("beforeprint", () => printing(true));
addEventListener("afterprint", () => printing(false));
