// Which nodes of the program are shown by themselves. Constants, and generated nodes for which the model computes nothing
// by itself, are folded into what reads them; a box can show them all.

const INLINE_MOST = 110;
const isInput = (node) => node.kind === "token" || node.kind === "index" || node.kind === "length";
const hasParts = (node) => Boolean(node.computedBy && node.computedBy.length);
const usesHead = (place) => DATA.heads.some((head) => head.selector === place);

const FOLDABLE = (() => {
  const lengths = [];
  return NODES.map((node, place) => {
    const inline = node.line.reduce((sum, part) => sum + (typeof part === "number" ? lengths[part] : part.length), 0);
    const can = place !== DATA.output && !isInput(node) && READERS[place].length > 0 && inline <= INLINE_MOST && (node.constant
      || (!node.named && !hasParts(node) && (READERS[place].length === 1 || !usesHead(place))));
    lengths.push(can ? inline + 2 : node.label.length);
    return can;
  });
})();
const isFolded = (place) => !state.whole && FOLDABLE[place];

// Where a node stands: its stage, or half a stage behind the attention that leaves it to neurons.
function standing(node) {
  if (isPattern(node) || !hasParts(node)) return node.stage;
  const attention = node.span[0] >= 0 && node.span[0] % 2 === 0;
  return attention && (node.kind === "width" || node.span[1] > node.span[0]) ? node.span[0] + 0.5 : node.stage;
}

// Whether a variable is not there yet where a node that names it is computed: then it is read off what it is made of.
function comesLater(ref, place) {
  if (!hasParts(NODES[ref])) return false;
  const gap = standing(NODES[ref]) - standing(NODES[place]);
  return gap > 0 || (gap === 0 && (hasParts(NODES[place]) || isPattern(NODES[place])));
}

// What a shown node reads, through all that is folded into it, or that is not there yet.
function shownRefs(place) {
  const found = new Set();
  const seen = new Set();
  const visit = (refs) => refs.forEach((ref) => {
    if (seen.has(ref)) return;
    seen.add(ref);
    if (isFolded(ref) || comesLater(ref, place)) visit(NODES[ref].refs);
    else found.add(ref);
  });
  visit(NODES[place].refs);
  return [...found];
}

const isSum = (place) => NODES[place].line.every((part) => typeof part === "number" || part === "" || /^ [+-] /.test(part));

// The line of a node as pieces: texts, and numbers of nodes that are shown by themselves.
function piecesOf(place, bare = true) {
  const node = NODES[place];
  const alone = (i) => /(^|[(,{] ?)$/.test(String(node.line[i - 1] ?? "")) && /^($|[),}])/.test(String(node.line[i + 1] ?? ""));
  const opens = (i) => !node.line[i - 1] && /^ [+-] /.test(String(node.line[i + 1] ?? ""));
  const parts = node.line.flatMap((part, i) => (typeof part === "number" && isFolded(part) ? piecesOf(part, alone(i) || (opens(i) && isSum(part))) : [part]));
  const calls = node.constant || node.line.length === 1 || /^[a-z_]+\($/.test(String(node.line[0]));
  return bare || calls ? parts : ["(", ...parts, ")"];
}

// Who reads a node, among those that are shown.
const readersCache = new Map();
function shownReaders(place) {
  if (!readersCache.has(state.whole)) {
    const found = NODES.map(() => []);
    shownPlaces().forEach((reader) => shownRefs(reader).forEach((ref) => found[ref].push(reader)));
    readersCache.set(state.whole, found);
  }
  return readersCache.get(state.whole)[place];
}

function shownPlaces() {
  return NODES.map((_, place) => place).filter((place) => !isFolded(place));
}
