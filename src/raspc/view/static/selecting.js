// Selectors in "What if": a menu for each, and its pattern as squares that can be turned, a row for each query.

const SQUARES_MOST = 24;

function selectorRows(place) {
  const n = state.ids.length;
  const now = whatIfState.changes.get(place);
  const row = element("tr", { "data-nodes": place },
    element("th", { scope: "row" }, swatch(place), isFolded(place) ? element("code", {}, segments(place)) : reference(place)),
    element("td", { "data-th": "is" }, pairsText(state.meant.cells[place].bits)),
    element("td", { "data-th": "shall be" }, selectorMenu(place, n)),
    element("td", { "data-th": "patched alone" }, effectOf(place)));
  if (!now || n > SQUARES_MOST) return [row];
  return [row, element("tr", { class: "drawn", "data-nodes": place }, element("td", { colspan: 4 }, squares(place, patternOf(place, now), n)))];
}

const isHidden = (q, k) => CONFIG.causal && k > q;
const pairsText = (bits) => `${bits.reduce((a, b) => a + (b ? 1 : 0), 0)} of ${plural(bits.length, "pair")}`;
const filledWith = (n, one) => Uint8Array.from({ length: n * n }, (_, i) => (!isHidden(Math.floor(i / n), i % n) && one(i) ? 1 : 0));
const patternOf = (place, { bits }) => bits || interpret(whatIfState.source).cells[place].bits;

const FILLS = { all: () => 1, none: () => 0 };

function selectorMenu(place, n) {
  const option = optionOf(place);
  const menu = menuOf(place, option, element("optgroup", { label: "forced to" },
    option("all", "every key"), option("none", "no key"), n > SQUARES_MOST ? null : option("drawn", "squares that I turn")));
  menu.addEventListener("change", () => {
    const how = menu.value;
    const { bits } = state.meant.cells[place];
    change(place, how && { how, bits: how === "source" ? undefined : filledWith(n, FILLS[how] || ((i) => bits[i])) });
  });
  return menu;
}

// Keys across, queries down. A square that is turned makes the pattern one's own.
function squares(place, bits, n) {
  const name = (i, id) => [element("small", {}, i), tokenText(id)];
  const row = (q) => [element("b", { class: "of-row" }, name(q, state.ids[q])), state.ids.map((_, k) => square(place, bits, n, q, k))];
  const grid = element("div", { class: "squares", role: "group", "aria-label": `The pattern of ${NODES[place].label}`, onkeydown: (event) => moveAmong(event, place, n) },
    element("b", {}), state.ids.map((id, k) => element("b", {}, name(k, id))), state.ids.map((_, q) => row(q)));
  grid.style.gridTemplateColumns = `auto repeat(${n}, minmax(26px, max-content))`;
  return [grid, element("p", { class: "muted" }, `${NODES[place].label} as forced, queries down, keys across. Turn a square to select a key, or to drop it.`)];
}

function square(place, bits, n, q, k) {
  if (isHidden(q, k)) return element("span", { class: "square hidden", title: "hidden by the causal mask" });
  const says = (at, i) => `${at} ${i} (${tokenText(state.ids[i])})`;
  return element("button", {
    type: "button", class: "square", "aria-pressed": String(Boolean(bits[q * n + k])), "data-switch": `${place}:${q}:${k}`, tabindex: q + k ? "-1" : "0",
    "aria-label": `${says("query", q)} selects ${says("key", k)}`, title: `${says("query", q)}, ${says("key", k)}`,
    onclick: () => {
      const turned = Uint8Array.from(bits);
      turned[q * n + k] = bits[q * n + k] ? 0 : 1;
      change(place, { how: "drawn", bits: turned });
    },
  });
}

// Arrow keys move among the squares.
function moveAmong(event, place, n) {
  const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  const at = (event.target.dataset.switch || "").split(":").map(Number);
  if (!move || at.length < 3) return;
  event.preventDefault();
  event.stopPropagation();
  const [q, k] = [at[1] + move[0], at[2] + move[1]];
  const next = document.querySelector(`[data-switch="${place}:${q}:${k}"]`);
  if (next && q < n && k < n) next.focus();
}
