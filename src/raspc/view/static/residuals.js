// The residual stream after a stage, and what the stage added to it, by named direction and position.

let streamGrids = [];

function drawResiduals() {
  const most = greatestByNode();
  streamGrids = [
    ["stream", "The residual stream", streamAt],
    ["added", "What this stage added", outputAt],
  ].map(([id, title, values]) => {
    const grid = new Grid({
      title, rows: CONFIG.d_model, columns: state.run.length,
      rowLabel: (i) => labelAt(i, state.stage), columnLabel,
      rowColour: (i) => nodeColour(nodeOfDim(i, state.stage)), rowActive: (i) => isMarked(nodeOfDim(i, state.stage)),
      share: (i, t) => values(state.run, state.stage)[t * CONFIG.d_model + i] / most[i],
      text: (i, t) => notable(values(state.run, state.stage)[t * CONFIG.d_model + i], most[i]),
      describe: (i, t) => `${labelAt(i, state.stage)} at ${positionName(t)}: ${exact(values(state.run, state.stage)[t * CONFIG.d_model + i])}`,
      onRow: (i) => hover(i === null ? null : nodeOfDim(i, state.stage), false),
      columnActive: (t) => state.position === t, onColumn: (t) => pointAt(t, false),
      widest: 64, hint: "Point at a cell, or move with the arrow keys.",
    });
    fill(id, grid.node);
    grid.draw();
    return grid;
  });
  [0, 1].forEach((i) => streamGrids[i].scroll.addEventListener("scroll", () => {
    streamGrids[1 - i].scroll.scrollTop = streamGrids[i].scroll.scrollTop;
  }));
}

// Colours are relative to the greatest value that the directions of a variable take in the run.
function greatestByNode() {
  const width = CONFIG.d_model;
  const byDim = new Float64Array(width).fill(1e-9);
  for (const array of [state.run.embedding, ...state.run.streams, ...state.run.outputs]) {
    array.forEach((value, i) => { byDim[i % width] = Math.max(byDim[i % width], Math.abs(value)); });
  }
  const byNode = new Map();
  byDim.forEach((value, i) => byNode.set(NODE_OF_DIM[i], Math.max(byNode.get(NODE_OF_DIM[i]) || 0, value)));
  return byDim.map((value, i) => (NODE_OF_DIM[i] < 0 ? value : byNode.get(NODE_OF_DIM[i])));
}

const columnLabel = (t) => tokenText(state.run.ids[t]);
const positionName = (t) => (t ? `position ${t - 1} (${columnLabel(t)})` : columnLabel(t));

// Rounding noise is left out of the picture; the cell's full value is read out below it.
const notable = (value, most) => (Math.abs(value) < 1e-5 * most ? "" : brief(value));

function brief(value) {
  if (value === 0) return "";
  const size = Math.abs(value);
  if (size >= 1e4 || size < 1e-3) return value.toExponential(0).replace("e+", "e");
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}
const exact = (value) => String(Number(value.toPrecision(7)));
