// "What if": a switch for each variable and selector, the answer that the model gives then, and what each alone changes.

const whatIfState = { source: null, changes: new Map(), at: null, timer: 0 };
const forcible = () => NODES.map((_, place) => place).filter((place) => !isPattern(NODES[place]) && !NODES[place].constant && !isFolded(place) && READERS[place].length + (place === DATA.output ? 1 : 0));

// Selectors that some head scores apart from others, and those that are made of them.
const SCORED = new Set(SITES.flatMap((site) => (site.scored || []).map(({ place }) => place)));
const switched = () => [...forcible(), ...[...SCORED].sort((a, b) => a - b)];

function drawForcing() {
  const there = Boolean(FORCING);
  byId("part-forcing").hidden = !there;
  document.querySelector('nav a[href="#part-forcing"]').hidden = !there;
  if (!there) return;
  const box = byId("source-tokens");
  box.addEventListener("input", () => readSource(box.value));
  byId("source-random").addEventListener("click", () => { otherInput(); scheduleForcing(); });
  byId("forcing-reset").addEventListener("click", () => { whatIfState.changes.clear(); whatIfState.at = null; scheduleForcing(0); });
  byId("forcing-at").addEventListener("change", () => {
    whatIfState.at = byId("forcing-at").value === "" ? null : Number(byId("forcing-at").value);
    scheduleForcing(0);
  });
}

// Another permitted input of the same length, where one is found; else the same one turned round.
function otherInput() {
  const wanted = state.ids.length;
  let found = [...state.ids].reverse();
  for (let i = 0; i < 200; i++) {
    const drawn = randomIds();
    const ids = DOMAIN ? drawn : [...drawn, ...state.ids, ...state.ids].slice(0, wanted);
    if (ids.length === wanted && ids.join() !== state.ids.join()) { found = ids; break; }
  }
  whatIfState.source = found;
  byId("source-tokens").value = found.map(tokenText).join(" ");
  sourceFault("");
}

function readSource(text) {
  const { ids, faults } = readInput(text);
  const fault = faults ? faults[0] : ids.length !== state.ids.length ? `Found ${plural(ids.length, "token")}; it must have as many as the input, ${state.ids.length}.`
    : outside(ids) ? `The program is not for it: ${outside(ids)}.` : "";
  sourceFault(fault);
  if (!fault) { whatIfState.source = ids; scheduleForcing(0); }
}
const sourceFault = (text) => { byId("source-fault").textContent = text; byId("source-tokens").setAttribute("aria-invalid", String(Boolean(text))); };

// After the page has been drawn, so that typing stays quick.
function scheduleForcing(wait = 30) {
  if (!FORCING) return;
  clearTimeout(whatIfState.timer);
  whatIfState.timer = setTimeout(updateForcing, wait);
}

function inputChanged() {
  if (!FORCING) return;
  if (whatIfState.at !== null && whatIfState.at >= state.ids.length) whatIfState.at = null;
  whatIfState.changes.forEach(({ bits }, place) => { if (bits && bits.length !== state.ids.length ** 2) whatIfState.changes.delete(place); });
  if (!whatIfState.source || whatIfState.source.length !== state.ids.length) otherInput();
  byId("forcing-at").replaceChildren(element("option", { value: "" }, "every position"), ...state.ids.map((id, t) => element("option", { value: t }, `position ${t} (${tokenText(id)})`)));
  scheduleForcing();
}

function tried(changes, at) {
  try { return whatIf(state.ids, changes, at); } catch (error) {
    if (error instanceof CannotForce) return { refused: error.message };
    throw error;
  }
}

const changesOf = () => [...whatIfState.changes].map(([place, { how, id, bits }]) => ({ place, how, id, bits, source: whatIfState.source }));

function updateForcing() {
  byId("forcing-at").value = whatIfState.at === null ? "" : String(whatIfState.at);
  drawSwitches();
  const changes = changesOf();
  byId("forcing-reset").disabled = !changes.length;
  const found = changes.length ? tried(changes, whatIfState.at) : null;
  const told = byId("forcing-told");
  told.className = found && (found.refused || (found.expected && differing(found))) ? "bad" : "muted";
  told.textContent = sentenceOf(found);
  fill("forcing-answer", found && !found.refused ? state.run.answer.map((before, t) => {
    const changed = !agree(before, found.answer[t]) && before.text !== found.answer[t].text;
    return element("div", { class: `pair${changed ? " changed" : ""}`, role: "listitem" }, element("span", { class: "token" }, tokenText(state.ids[t])),
      element("span", { class: "before" }, before.text), element("span", { class: "arrow", "aria-hidden": "true" }, "↓"), element("span", { class: "answer" }, found.answer[t].text));
  }) : []);
  document.body.dataset.forced = String(Number(document.body.dataset.forced || 0) + 1);
}

const changedPositions = (answer) => answer.filter((found, t) => found.text !== state.run.answer[t].text).length;
const differing = ({ answer, expected }) => answer.some((found, t) => expected[t] !== UNKNOWN && !agree(found, expected[t]));

function sentenceOf(found) {
  if (!found) return "Nothing is forced: the model runs as ever. Choose what a variable or a selector shall be, and see the answer change.";
  if (found.refused) return `${capital(found.refused)}.`;
  const count = changedPositions(found.answer);
  const change = count ? `${count} of ${plural(state.ids.length, "answer")} change.` : "No answer changes.";
  if (found.expected) return `${change} ${differing(found) ? "The program, with the same replaced, gives something else." : "So it is in the program, with the same replaced."}`;
  const erased = [...whatIfState.changes.values()].some(({ how }) => how === "zero" || how === "mean");
  return `${change} ${erased ? "Zero and the mean are no values of the program: nothing is expected of the answer." : "The program has no answer to this combination, which no input leads to: what the model says means nothing."}`;
}

function drawSwitches() {
  const focused = document.activeElement && document.activeElement.dataset.switch;
  fill("switches", switched().map((place) => (isPattern(NODES[place]) ? selectorRows(place) : element("tr", { "data-nodes": place },
    element("th", { scope: "row" }, swatch(place), reference(place)),
    element("td", { "data-th": "is" }, state.ids.map((_, t) => expectedAt(state.meant, place, t).text).join(" ")),
    element("td", { "data-th": "shall be" }, switchOf(place)),
    element("td", { "data-th": "patched alone" }, effectOf(place))))));
  if (focused) { const again = document.querySelector(`[data-switch="${focused}"]`); if (again) again.focus(); }
  drawMarks();
}

const VALUES_MOST = 40;
function switchOf(place) {
  const node = NODES[place];
  const texts = isListed(node.domain) ? node.domain.texts.slice(0, VALUES_MOST) : [];
  const option = optionOf(place);
  const menu = menuOf(place, option,
    node.spaces.length ? [option("zero", "ablated: zero"), option("mean", "ablated: its mean")] : null,
    texts.length ? element("optgroup", { label: "forced to" }, texts.map((text, id) => option(`value${id}`, text))) : null);
  menu.addEventListener("change", () => {
    const [, how, id] = /^(source|zero|mean|value)?(\d*)$/.exec(menu.value);
    change(place, how && { how, id: Number(id) });
  });
  return menu;
}

const optionOf = (place) => (value, text) => {
  const now = whatIfState.changes.get(place);
  return element("option", { value, selected: Boolean(now) && value === `${now.how}${now.how === "value" ? now.id : ""}` }, text);
};

const menuOf = (place, option, ...others) => element("select", { "aria-label": `What ${NODES[place].label} shall be`, "data-switch": place },
  element("option", { value: "" }, "as computed"), option("source", "from the other input"), ...others);

function change(place, what) {
  if (what) whatIfState.changes.set(place, what);
  else whatIfState.changes.delete(place);
  scheduleForcing(0);
}

// How many answers change when it alone is what it is on the other input.
function effectOf(place) {
  const found = tried([{ place, how: "source", source: whatIfState.source }], whatIfState.at);
  if (found.refused) return element("span", { class: "muted", title: found.refused }, "cannot be forced here");
  const count = changedPositions(found.answer);
  const bar = element("i", {});
  bar.style.width = `${Math.round(100 * count / state.ids.length)}%`;
  return element("span", { class: "used" }, element("span", { class: "used-bar", "aria-hidden": "true" }, bar), count ? `${count} of ${state.ids.length} answers change${found.impossible ? " (impossible)" : ""}` : "no answer changes");
}
