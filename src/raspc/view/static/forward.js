// The forward pass: the plain transformer of run/forward.py, with every activation kept.
// A layer without heads, or without neurons, has no matrices for them, and adds nothing there.
// Matrices are almost empty, so each is a list of non-zero entries by row; sums run in float64.

function linearLayer(name) {
  const { shape: [rows, columns], data } = unpack(DATA.params[`${name}/w`]);
  const starts = new Int32Array(rows + 1);
  const places = [];
  const weights = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const weight = data[row * columns + column];
      if (weight !== 0) { places.push(column); weights.push(weight); }
    }
    starts[row + 1] = places.length;
  }
  const bias = unpack(DATA.params[`${name}/b`]).data;
  return { rows, columns, starts, places: Int32Array.from(places), weights: Float64Array.from(weights), bias };
}

// x [length, rows] → x · w + b [length, columns].
function applyLinear(layer, x, length) {
  const out = new Float32Array(length * layer.columns);
  const sums = new Float64Array(layer.columns);
  for (let t = 0; t < length; t++) {
    sums.set(layer.bias);
    for (let row = 0; row < layer.rows; row++) {
      const value = x[t * layer.rows + row];
      if (value === 0) continue;
      for (let k = layer.starts[row]; k < layer.starts[row + 1]; k++) {
        sums[layer.places[k]] += value * layer.weights[k];
      }
    }
    out.set(sums, t * layer.columns);
  }
  return out;
}

const WEIGHTS = {
  tokens: unpack(DATA.params["token_embed/embeddings"]).data,
  positions: unpack(DATA.params["pos_embed/embeddings"]).data,
  layers: CONFIG.widths.map((widths, i) => {
    const attention = ["query", "key", "value", "linear"].map((n) => [n, `transformer/layer_${i}/attn/${n}`]);
    const mlp = ["linear_1", "linear_2"].map((n) => [n, `transformer/layer_${i}/mlp/${n}`]);
    const there = [...(widths.n_heads ? attention : []), ...(widths.d_mlp ? mlp : [])];
    return { widths, ...Object.fromEntries(there.map(([n, path]) => [n, linearLayer(path)])) };
  }),
  unembed: linearLayer("unembed"),
};

function embed(ids) {
  const width = CONFIG.d_model;
  const x = new Float32Array(ids.length * width);
  ids.forEach((id, t) => {
    for (let i = 0; i < width; i++) {
      x[t * width + i] = WEIGHTS.tokens[id * width + i] + WEIGHTS.positions[t * width + i];
    }
  });
  return x;
}

// Scaled scores before the mask, and the pattern after the softmax: [head][query · length + key].
function attend(layer, x, length, edits, i) {
  const { n_heads: heads, d_head: width } = layer.widths;
  if (!heads) return { logits: [], patterns: [], mixed: new Float32Array(0), output: new Float32Array(x.length) };
  const q = applyLinear(layer.query, x, length);
  const k = applyLinear(layer.key, x, length);
  const v = applyLinear(layer.value, x, length);
  const mixed = new Float32Array(length * heads * width);
  const logits = [];
  const patterns = [];
  for (let h = 0; h < heads; h++) {
    const scores = scoresOfHead(q, k, h, length, layer.widths);
    const pattern = softmaxRows(scores, length);
    logits.push(scores);
    patterns.push(pattern);
    mix(pattern, v, h, length, mixed, layer.widths);
  }
  if (edits) edits.mixed(i, x, { q, k, v }, layer.widths, mixed, length);
  return { logits, patterns, mixed, output: applyLinear(layer.linear, mixed, length) };
}

function scoresOfHead(q, k, h, length, { n_heads: heads, d_head: width }) {
  const scale = Math.fround(1 / Math.sqrt(width));
  const scores = new Float32Array(length * length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      let sum = 0;
      const a = (i * heads + h) * width;
      const b = (j * heads + h) * width;
      for (let d = 0; d < width; d++) sum += q[a + d] * k[b + d];
      scores[i * length + j] = Math.fround(sum) * scale;
    }
  }
  return scores;
}

function softmaxRows(scores, length) {
  const pattern = new Float32Array(length * length);
  for (let i = 0; i < length; i++) {
    const keys = CONFIG.causal ? i + 1 : length;
    let best = -Infinity;
    for (let j = 0; j < keys; j++) best = Math.max(best, scores[i * length + j]);
    let total = 0;
    for (let j = 0; j < keys; j++) total += Math.exp(scores[i * length + j] - best);
    for (let j = 0; j < keys; j++) pattern[i * length + j] = Math.exp(scores[i * length + j] - best) / total;
  }
  return pattern;
}

function mix(pattern, v, h, length, mixed, { n_heads: heads, d_head: width }) {
  for (let d = 0; d < width; d++) {
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let j = 0; j < length; j++) {
        const weight = pattern[i * length + j];
        if (weight !== 0) sum += weight * v[(j * heads + h) * width + d];
      }
      mixed[(i * heads + h) * width + d] = sum;
    }
  }
}

// What the neurons give [position · d_mlp + neuron], and what they add to the stream.
function fire(layer, x, length, edits, i) {
  if (!layer.widths.d_mlp) return { hidden: new Float32Array(0), output: new Float32Array(x.length) };
  const read = applyLinear(layer.linear_1, x, length);
  if (edits) edits.neurons(i, x, read, layer.widths.d_mlp);
  const hidden = read.map((value) => Math.max(value, 0));
  return { hidden, output: applyLinear(layer.linear_2, hidden, length) };
}

const added = (x, y) => x.map((value, i) => value + y[i]);

// ids open with BOS; `edits` change what is read on the way (see forcing.js). Streams and outputs are [stage][position · d_model + dimension].
function forward(ids, edits = null) {
  const length = ids.length;
  const after = (stage, stream) => (edits ? edits.stream(stage, stream) : stream);
  let x = after(-1, embed(ids));
  const run = { ids, length, embedding: x, streams: [], outputs: [], logits: [], patterns: [], mixed: [], neurons: [] };
  WEIGHTS.layers.forEach((layer, i) => {
    const attention = attend(layer, x, length, edits, i);
    x = after(2 * i, added(x, attention.output));
    run.streams.push(x);
    const { hidden, output: computed } = fire(layer, x, length, edits, i);
    x = after(2 * i + 1, added(x, computed));
    run.streams.push(x);
    run.outputs.push(attention.output, computed);
    run.logits.push(attention.logits);
    run.patterns.push(attention.patterns);
    run.mixed.push(attention.mixed);
    run.neurons.push(hidden);
  });
  run.unembedded = applyLinear(WEIGHTS.unembed, x, length);
  if (edits) edits.logits(x, run.unembedded);
  run.answer = Array.from({ length: length - 1 }, (_, t) => answerAt(run.unembedded, t + 1));
  return run;
}

const streamAt = (run, stage) => (stage < 0 ? run.embedding : run.streams[stage]);
const outputAt = (run, stage) => (stage < 0 ? run.embedding : run.outputs[stage]);

// The answer at one position, as {value, text}.
function answerAt(logits, t) {
  const row = logits.subarray(t * CONFIG.d_vocab_out, (t + 1) * CONFIG.d_vocab_out);
  const { kind, values, texts } = CONFIG.output;
  const indicators = kind === "numerical" ? row.subarray(1) : row;
  const best = indicators.reduce((b, value, i) => (value > indicators[b] ? i : b), 0);
  if (kind === "numerical" && !(indicators.length && indicators[best] > 0.5)) return number(row[0]);
  return { value: values[best], text: texts[best] };
}
