// The input box: what is typed, as tokens; faults are told plainly.

const NUMBER_LIKE = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/;
const REAL_TOKENS = CONFIG.vocab.values.map((_, id) => id).filter((id) => id !== CONFIG.bos && id !== CONFIG.pad);
const tokenText = (id) => CONFIG.vocab.texts[id];
const WORDS_SHOWN = 12;

// Words, numbers, or quoted strings between spaces or commas.
const pieces = (text) => text.match(/"(?:[^"\\]|\\.)*"|[^\s,]+/g) || [];

function typedValue(piece) {
  if (!NUMBER_LIKE.test(piece) && !piece.startsWith('"')) return piece;
  try { return JSON.parse(piece); } catch { return piece; }
}

// A piece that is no token, as the ids of tokens that stand side by side in it, at each place the longest; null for another.
function cutPiece(piece) {
  const words = REAL_TOKENS.filter((id) => typeof CONFIG.vocab.values[id] === "string" && CONFIG.vocab.values[id]).sort((a, b) => CONFIG.vocab.values[b].length - CONFIG.vocab.values[a].length);
  const found = [];
  for (let at = 0; at < piece.length;) {
    const id = words.find((word) => piece.startsWith(CONFIG.vocab.values[word], at));
    if (id === undefined) return null;
    found.push(id);
    at += CONFIG.vocab.values[id].length;
  }
  return found;
}

// The id that a piece stands for: by value, else by the letters of a word or as it is shown.
function idOfPiece(piece) {
  const { values, texts } = CONFIG.vocab;
  const value = typedValue(piece);
  const kinds = (known) => typeof known === typeof value && valueKey(known) === valueKey(value);
  const found = values.findIndex(kinds);
  if (found >= 0) return found;
  const byLetters = values.findIndex((known) => known === piece);
  return byLetters >= 0 ? byLetters : texts.indexOf(piece);
}

// {ids} or {faults}: all of them at once.
function readInput(text) {
  const read = pieces(text).flatMap((piece) => {
    const id = idOfPiece(piece);
    const several = id < 0 && !piece.startsWith('"') ? cutPiece(piece) : null;
    return several ? several.map((one) => [one, tokenText(one)]) : [[id, piece]];
  });
  const [ids, found] = [read.map(([id]) => id), read.map(([, piece]) => piece)];
  if (ids[0] === CONFIG.bos) { ids.shift(); found.shift(); }
  const faults = ids.flatMap((id, i) => faultOf(id, found[i], i));
  if (!ids.length) faults.push(`Type at least one token; the model takes 1 to ${CONFIG.maxLength}.`);
  if (ids.length > CONFIG.maxLength) {
    faults.push(`Found ${plural(ids.length, "token")}; the model takes at most ${CONFIG.maxLength}. Remove ${ids.length - CONFIG.maxLength}.`);
  }
  return faults.length ? { faults } : { ids };
}

function faultOf(id, piece, position) {
  if (id < 0) return [`Token ${piece} at position ${position} is not in the vocabulary; known are ${knownWords()}.`];
  if (id === CONFIG.bos) return [`${piece} at position ${position}: BOS stands at the front only, and is put there for you.`];
  if (id === CONFIG.pad) return [`${piece} at position ${position}: PAD fills batches; leave it out here.`];
  return [];
}

function knownWords() {
  const texts = REAL_TOKENS.map(tokenText);
  return texts.slice(0, WORDS_SHOWN).join(", ") + (texts.length > WORDS_SHOWN ? `, … (${texts.length} in all)` : "");
}

function drawInput() {
  const box = byId("tokens");
  box.value = state.ids.map(tokenText).join(" ");
  box.addEventListener("input", () => submit(box.value));
  byId("ask").addEventListener("submit", (event) => { event.preventDefault(); submit(box.value); });
  byId("random").addEventListener("click", () => retype(randomIds()));
  byId("shorter").addEventListener("click", () => retype(state.ids.slice(0, -1)));
  const shown = REAL_TOKENS.slice(0, 24);
  fill("vocabulary", shown.map((id) => element("button", {
    type: "button", class: "chip", "aria-label": `Add ${tokenText(id)}`, onclick: () => retype([...state.ids, id]),
  }, tokenText(id))), REAL_TOKENS.length > shown.length
    ? element("span", { class: "muted" }, `and ${REAL_TOKENS.length - shown.length} more`) : null);
}

function retype(ids) {
  byId("tokens").value = ids.map(tokenText).join(" ");
  submit(byId("tokens").value);
}

function submit(text) {
  const { ids, faults } = readInput(text);
  byId("tokens").setAttribute("aria-invalid", faults ? "true" : "false");
  fill("faults", faults ? faults.slice(0, 4).map((fault) => element("p", {}, fault)) : []);
  document.body.classList.toggle("stale", Boolean(faults));
  if (ids) {
    resetWriting();
    recompute(ids);
    drawWriting();
  }
}

// The input, the model's answer, and the interpreter's where it differs.
function drawAnswer() {
  const cells = state.run.answer.map((found, t) => {
    const meant = expectedAt(state.meant, DATA.output, t);
    const wrong = meant !== UNKNOWN && !agree(found, meant);
    return element("div", {
      class: `pair${wrong ? " wrong" : ""}`, role: "listitem", "data-t": t + 1, onmouseenter: () => pointAt(t + 1), onmouseleave: () => pointAt(null),
    },
      element("span", { class: "token" }, tokenText(state.ids[t])),
      element("span", { class: "arrow", "aria-hidden": "true" }, "↓"),
      element("span", { class: "answer" }, found.text),
      wrong ? element("span", { class: "meant" }, `program: ${meant.text}`) : null);
  });
  fill("answer", cells);
  const wrong = byId("answer").querySelectorAll(".wrong").length;
  const verdict = byId("verdict");
  const nothing = hasNoValue();
  verdict.className = wrong || nothing ? "bad" : "good";
  verdict.textContent = outside(state.ids) ? "outside the domain: this answer means nothing" : nothing ? "the program has no value on this input: this answer means nothing"
    : wrong ? `${plural(wrong, "position")} differ from the interpreter` : "equals the interpreter";
  fill("notice", noticeText().map((text) => element("p", {}, text)));
}

// The first node that has no value on this input; -1 if there is none.
const culprit = () => NODES.findIndex((node, place) => lacksValue(state.meant, node, place));

// Whether a variable has no value at some position, or a selector meets keys that it cannot compare.
const lacksValue = (run, node, place) => (isPattern(node) ? comparesNothing(run, node, place)
  : run.cells[place].ids.includes(UNDEFINED));

// Whether a selector meets a key and a query of which its predicate says nothing, or keys that cannot be compared.
function comparesNothing(run, node, place) {
  const positions = Array.from({ length: run.length }, (_, t) => t);
  if (node.kind === "best") {
    const { bits } = run.cells[node.selector];
    const held = run.cells[node.score].ids.map((id) => (id < 0 ? UNDEFINED : node.kinds[id]));
    return positions.some((q) => {
      const chosen = held.filter((_kind, k) => bits[q * held.length + k]);
      return chosen.some((kind) => kind < 0 || kind !== chosen[0]);
    });
  }
  if (node.kind !== "select" || !run.tables[place]) return false;
  const [keys, queries] = [run.cells[node.key].ids, run.cells[node.query].ids];
  return positions.some((q) => positions.some((k) => (k <= q || !run.causal)
    && keys[k] !== UNDEFINED && queries[q] !== UNDEFINED && cellAt(run.tables[place], [keys[k], queries[q]]) < 0));
}

function hasNoValue() {
  return Boolean(outside(state.ids)) || culprit() >= 0 || Boolean(DATA.exactLength && state.ids.length !== DATA.exactLength);
}

function noticeText() {
  const found = [];
  if (!DATA.facts.axes) found.push("This model was compressed or rotated: no variable has axes of its own, so only the answer is decoded.");
  if (DATA.exactLength && state.ids.length !== DATA.exactLength) {
    found.push(`The program is defined for inputs of ${plural(DATA.exactLength, "token")} only.`);
  }
  if (outside(state.ids)) return [...found, `Not an input that the program is for: ${outside(state.ids)}. Nothing is compared.`];
  const place = culprit();
  if (place >= 0) found.push(`The program has no value for ${NODES[place].label} on this input; nothing is compared there.`);
  if (hasNoValue()) found.push(...DATA.facts.notes.filter((note) => note.includes("it has a value on")));
  return found;
}
