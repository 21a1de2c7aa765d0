// The page's data, and its arrays unpacked (see arrays.py).
const DATA = JSON.parse(document.getElementById("raspc-data").textContent);
const CONFIG = DATA.config;
const NODES = DATA.nodes;

const ARRAY_TYPES = { f4: Float32Array, f8: Float64Array, i1: Int8Array, i2: Int16Array, i4: Int32Array };

function typedArray(text, type) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new ARRAY_TYPES[type](bytes.buffer);
}

// {shape, data}: the array in full.
function unpack(packed) {
  const size = packed.shape.reduce((a, b) => a * b, 1);
  const values = typedArray(packed.of, packed.type);
  if (!("at" in packed) && !("runs" in packed)) return { shape: packed.shape, data: values };
  const data = new ARRAY_TYPES[packed.type](size);
  if ("at" in packed) {
    typedArray(packed.at, "i4").forEach((place, i) => { data[place] = values[i]; });
  } else {
    let start = 0;
    typedArray(packed.runs, "i4").forEach((count, i) => {
      data.fill(values[i], start, start + count);
      start += count;
    });
  }
  return { shape: packed.shape, data };
}

// Which nodes read a node: the reverse of `refs`.
const READERS = NODES.map(() => []);
NODES.forEach((node, place) => node.refs.forEach((ref) => READERS[ref].push(place)));

const isPattern = (node) => node.kind === "select" || node.kind === "gate" || node.kind === "best";
const LAST_STAGE = 2 * CONFIG.n_layers - 1;

// Stage −1 is the embedding, 2·layer is after attention, 2·layer + 1 after the MLP.
function stageName(stage) {
  if (stage < 0) return "embedding";
  return `layer ${stage >> 1} ${stage & 1 ? "MLP" : "attention"}`;
}

// Which spaces of which variable a dimension of the stream belongs to; −1 for none, such as is_bos.
const NODE_OF_DIM = new Int32Array(CONFIG.d_model).fill(-1);
NODES.forEach((node, place) => (node.spaces || []).forEach((space) => {
  NODE_OF_DIM.fill(place, space.dims[0], space.dims[1]);
}));

// A dimension that is reused belongs to whichever variable stands in it at a stage.
function nodeOfDim(dim, stage) {
  const found = NODES.findIndex((node) => (node.spaces || []).some((space) => holds(space, stage, dim)));
  return found < 0 ? NODE_OF_DIM[dim] : found;
}

function holds(space, stage, dim) {
  const until = space.until_stage === undefined ? stage : space.until_stage;
  return space.dims[0] <= dim && dim < space.dims[1] && space.from_stage <= stage && stage <= until;
}
