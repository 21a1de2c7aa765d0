// A layered layout of boxes and edges: for the program over its stages, and for the circuit.
// Long edges have a place of their own in every column that they pass, so that none runs under a box.

const LAYERED = { gapX: 58, gapY: 14, lane: 9, top: 40, pad: 16, sweeps: 12 };

// columns: [[{id, width, height}]], edges: [{from, to}] by id. Gives {at: Map id → {x, y, width, height}, paths, height, width}.
function layered(columns, edges) {
  const columnOf = new Map(columns.flatMap((items, c) => items.map((item) => [item.id, c])));
  const items = columns.map((column) => column.map((item) => ({ ...item, before: [], after: [], y: 0 })));
  const known = new Map(items.flat().map((item) => [item.id, item]));
  const routes = edges.filter(({ from, to }) => columnOf.get(from) < columnOf.get(to)).map((edge) => route(edge, columnOf, known, items));
  for (let sweep = 0; sweep < LAYERED.sweeps; sweep++) order(items, sweep % 2 === 1);
  for (let sweep = 0; sweep < LAYERED.sweeps; sweep++) align(items, sweep % 2 === 1);
  const lowest = Math.min(...items.flat().map((item) => item.y - item.height / 2), 0);
  items.flat().forEach((item) => { item.y += LAYERED.top - lowest; });
  placeColumns(items);
  spreadPorts(routes);
  const all = items.flat();
  return {
    at: known, paths: routes.map(({ edge, stops, start, end }) => ({ ...edge, path: pathOf(stops, start, end) })),
    height: Math.max(...all.map((item) => item.y + item.height / 2)) + LAYERED.pad,
    width: Math.max(...all.map((item) => item.x + item.width)) + LAYERED.pad,
  };
}

// The stops of an edge: its ends, and a lane in each column between them.
function route(edge, columnOf, known, items) {
  const [from, to] = [columnOf.get(edge.from), columnOf.get(edge.to)];
  const lanes = [];
  for (let c = from + 1; c < to; c++) {
    const lane = { id: null, lane: true, width: 0, height: LAYERED.lane, before: [], after: [], y: 0 };
    items[c].push(lane);
    lanes.push(lane);
  }
  const stops = [known.get(edge.from), ...lanes, known.get(edge.to)];
  for (let i = 1; i < stops.length; i++) {
    stops[i - 1].after.push(stops[i]);
    stops[i].before.push(stops[i - 1]);
  }
  return { edge, stops };
}

const average = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

// Each column in the order of where its neighbours stand, so that few edges cross.
function order(items, backwards) {
  items.forEach((column) => column.forEach((item, row) => { item.row = row; }));
  const inTurn = backwards ? [...items].reverse() : items;
  inTurn.forEach((column) => {
    column.forEach((item) => {
      const near = backwards ? item.after : item.before;
      item.wanted = near.length ? average(near.map((other) => other.row / Math.max(1, other.count))) * column.length : item.row;
    });
    column.sort((a, b) => a.wanted - b.wanted || a.row - b.row);
    column.forEach((item, row) => { item.row = row; item.count = column.length; });
  });
}

const apart = (a, b) => (a.height + b.height) / 2 + (a.lane && b.lane ? 2 : LAYERED.gapY);

// Each item as near to its neighbours as its own column allows.
function align(items, backwards) {
  const inTurn = backwards ? [...items].reverse() : items;
  inTurn.forEach((column) => {
    const offsets = [];
    column.forEach((item, i) => offsets.push(i ? offsets[i - 1] + apart(column[i - 1], item) : 0));
    const wanted = column.map((item, i) => {
      const near = [...item.before, ...item.after];
      const own = item.y || offsets[i];
      return (near.length ? average(near.map((other) => other.y)) : own) - offsets[i];
    });
    increasing(wanted).forEach((y, i) => { column[i].y = y + offsets[i]; });
  });
}

// The nearest numbers that do not decrease (pool adjacent violators).
function increasing(numbers) {
  const pools = [];
  numbers.forEach((number) => {
    pools.push({ sum: number, count: 1 });
    while (pools.length > 1) {
      const [a, b] = pools.slice(-2);
      if (a.sum / a.count <= b.sum / b.count) break;
      pools.splice(-2, 2, { sum: a.sum + b.sum, count: a.count + b.count });
    }
  });
  return pools.flatMap(({ sum, count }) => Array(count).fill(sum / count));
}

// Columns from left to right; many edges between two of them need more room.
function placeColumns(items) {
  let x = LAYERED.pad;
  items.forEach((column, c) => {
    const width = Math.max(0, ...column.map((item) => item.width));
    column.forEach((item) => {
      item.x = x;
      if (item.lane) item.width = width;
    });
    const crossing = column.reduce((sum, item) => sum + item.after.length, 0);
    x += width + (c + 1 < items.length ? LAYERED.gapX + Math.min(60, 4 * crossing) : 0);
  });
}

// Edges of one box leave and arrive beside each other, in the order of where they go.
function spreadPorts(routes) {
  const ends = { start: new Map(), end: new Map() };
  routes.forEach((found) => {
    const { stops } = found;
    push(ends.start, stops[0], { found, towards: stops[1].y });
    push(ends.end, stops[stops.length - 1], { found, towards: stops[stops.length - 2].y });
  });
  Object.entries(ends).forEach(([which, byBox]) => byBox.forEach((list, box) => {
    list.sort((a, b) => a.towards - b.towards);
    const step = Math.min(9, (box.height - 12) / Math.max(1, list.length - 1));
    list.forEach(({ found }, i) => { found[which] = box.y + (i - (list.length - 1) / 2) * step; });
  }));
}

function push(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}

function pathOf(stops, start, end) {
  const last = stops[stops.length - 1];
  let [x, y] = [stops[0].x + stops[0].width, start];
  let path = `M${round1(x)} ${round1(y)}`;
  stops.slice(1).forEach((stop) => {
    const [u, v] = stop === last ? [stop.x - 3, end] : [stop.x, stop.y];
    const bend = (u - x) * 0.5;
    path += ` C${round1(x + bend)} ${round1(y)} ${round1(u - bend)} ${round1(v)} ${round1(u)} ${round1(v)}`;
    if (stop.lane) path += ` H${round1(u + stop.width)}`;
    [x, y] = [u + (stop.lane ? stop.width : 0), v];
  });
  return path;
}
const round1 = (value) => Math.round(value * 10) / 10;
