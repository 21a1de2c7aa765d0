// Which inputs the program is for: whether one is permitted, why not, and random ones that are.

const DOMAIN = DATA.domain;
const DEAD = -1;
const FAR = 1 << 30;
const AUTOMATON = DOMAIN && DOMAIN.automaton && { moves: unpack(DOMAIN.automaton.moves), accepting: DOMAIN.automaton.accepting };
const CONDITION = DOMAIN && DOMAIN.condition && programOf(DOMAIN.condition.nodes, DOMAIN.condition.causal);

const after = (state, token) => AUTOMATON.moves.data[state * AUTOMATON.moves.shape[1] + token];
const anyOf = (items) => items[Math.floor(Math.random() * items.length)];

// Why an input is not permitted; "" where it is, or where only Python can tell.
const outside = (ids) => (AUTOMATON ? whereItLeaves(ids) : "") || (CONDITION ? whereItFails(ids) : "");

function whereItLeaves(ids) {
  let state = 0;
  for (let t = 0; t < ids.length; t++) {
    state = after(state, ids[t]);
    if (state === DEAD) return `no permitted input goes on with ${tokenText(ids[t])} at position ${t}`;
  }
  return AUTOMATON.accepting[state] ? "" : "it ends too early";
}

function whereItFails(ids) {
  const held = interpret(ids, CONDITION);
  if (CONDITION.nodes.some((node, place) => lacksValue(held, node, place))) return "the condition has no value on it";
  const t = [...held.cells[DOMAIN.condition.output].ids].findIndex((id) => id !== DOMAIN.condition.true);
  return t < 0 ? "" : `the condition is ${expectedAt(held, DOMAIN.condition.output, t).text} at position ${t}`;
}

// From each state, the fewest tokens to the end of a permitted input; worked out when first asked for.
let distances = null;
function distanceToEnd() {
  if (distances) return distances;
  distances = AUTOMATON.accepting.map((ends) => (ends ? 0 : FAR));
  for (let changed = true; changed;) {
    changed = false;
    distances.forEach((known, state) => REAL_TOKENS.forEach((token) => {
      const next = after(state, token);
      if (next !== DEAD && distances[next] + 1 < distances[state]) { distances[state] = distances[next] + 1; changed = true; }
    }));
  }
  return distances;
}

// A walk of about a random length through the automaton that can always still end in time.
function walk() {
  const far = distanceToEnd();
  const wanted = 1 + Math.floor(Math.random() * CONFIG.maxLength);
  const ids = [];
  for (let state = 0; ;) {
    const left = ids.length < wanted ? CONFIG.maxLength - ids.length - 1 : far[state] - 1;
    const open = REAL_TOKENS.filter((token) => after(state, token) !== DEAD && far[after(state, token)] <= left);
    if (!open.length) return ids;
    ids.push(anyOf(open));
    state = after(state, ids[ids.length - 1]);
  }
}

function randomIds() {
  if (DOMAIN) return DOMAIN.drawn.length ? anyOf(DOMAIN.drawn) : walk();
  const length = DATA.exactLength || 1 + Math.floor(Math.random() * CONFIG.maxLength);
  return Array.from({ length }, () => anyOf(REAL_TOKENS));
}

function drawDomain() {
  if (!DOMAIN) return;
  fill("domain", "For inputs where ", element("code", {}, DOMAIN.text), DOMAIN.known ? null
    : "; whether an input is one of them is told by Python alone. Random draws some that are.");
}
