// A model that writes: the answer at the last token is the next token, until that is the stop.

const WRITING = DATA.writing;
const PROMPTS = WRITING && WRITING.automaton && { moves: unpack(WRITING.automaton.moves), accepting: WRITING.automaton.accepting };
const writingState = { prompt: null, steps: [], ended: "" };

// Whether the input is one that the program goes on from: a prompt, and what the model has written after it, if anything;
// null where the page cannot tell.
function goesOn(ids, run) {
  if (!PROMPTS) return null;
  let at = 0, whole = false;
  for (const [place, id] of ids.entries()) {
    whole = (whole || PROMPTS.accepting[at]) && place > 0 && id !== WRITING.stop && nextToken(ids.slice(0, place), run).id === id;
    at = at === DEAD ? DEAD : PROMPTS.moves.data[at * PROMPTS.moves.shape[1] + id];
  }
  return whole || (at !== DEAD && PROMPTS.accepting[at]);
}

// {id} of the next token after an input, or {ended} with the reason why there is none.
function nextToken(ids, run) {
  const found = run.answer[ids.length - 1];
  const id = CONFIG.vocab.values.findIndex((known) => typeof known === typeof found.value && valueKey(known) === valueKey(found.value));
  if (id < 0 || id === CONFIG.bos || id === CONFIG.pad) return { ended: `the program answers ${found.text} here, which is no token: it is not for this prompt` };
  if (id === WRITING.stop) return { id, ended: `it wrote ${tokenText(id)} and stopped` };
  if (ids.length >= CONFIG.maxLength) return { id, ended: `the greatest length, ${CONFIG.maxLength} tokens, is reached` };
  return { id };
}

// One more token: a step with what the variables are at the last position.
function writeOne() {
  if (writingState.ended) return false;
  if (!writingState.prompt) writingState.prompt = state.ids;
  const { id, ended } = nextToken(state.ids, state.run);
  writingState.ended = ended || "";
  if (id === undefined) { drawWriting(); return false; }
  writingState.steps.push({ id, values: lastValues() });
  if (!ended) setIds([...state.ids, id]);
  drawWriting();
  return !ended;
}

// Of each variable what the model holds at the last position, or what the program says where it holds nothing.
function lastValues() {
  const t = state.ids.length - 1;
  return new Map(NODES.map((_, place) => place).filter((place) => !isPattern(NODES[place]) && !NODES[place].constant).map((place) => {
    const held = state.held.map((stage) => stage[place]).filter(Boolean);
    return [place, held.length ? held[held.length - 1][t].text : `(${expectedAt(state.meant, place, t).text})`];
  }));
}

function setIds(ids) {
  byId("tokens").value = ids.map(tokenText).join(" ");
  byId("tokens").setAttribute("aria-invalid", "false");
  fill("faults");
  document.body.classList.remove("stale");
  recompute(ids);
}

function startWriting() {
  if (!WRITING) return;
  byId("writing").hidden = false;
  const button = (id, text, act) => element("button", { type: "button", id, onclick: act }, text);
  fill("writing",
    element("p", {}, "This model writes: type a prompt", WRITING.prompts ? [" such as ", element("code", {}, WRITING.prompts), " describes"] : "", ", and let it go on."),
    element("div", { class: "writing-bar" },
      button("write-one", "Write a token", writeOne), button("write-all", "Write to the end", () => { while (writeOne()); }),
      button("write-again", "Back to the prompt", () => { const { prompt } = writingState; resetWriting(); setIds(prompt); drawWriting(); })),
    element("p", { id: "written", role: "status" }), element("div", { id: "steps", class: "scroll steps", tabindex: "0", role: "region", "aria-label": "Steps" }));
  drawWriting();
}

function resetWriting() { Object.assign(writingState, { prompt: null, steps: [], ended: "" }); }

function drawWriting() {
  if (!WRITING) return;
  const { steps, prompt, ended } = writingState;
  const whole = prompt !== null || goesOn(state.ids, state.run);
  byId("write-one").disabled = byId("write-all").disabled = Boolean(ended) || whole === false;
  byId("write-again").disabled = !prompt;
  const texts = steps.map(({ id }) => tokenText(id));
  byId("written").textContent = whole === false ? "This input is no whole prompt, nor one with what the model wrote after it: what it would write here means nothing."
    : steps.length ? `Written: ${texts.join(texts.every((text) => text.length === 1) ? "" : " ")}${ended ? `; ${ended}` : ""}` : ended ? `${capital(ended)}.` : "";
  byId("steps").hidden = !steps.length;
  if (!steps.length) { fill("steps"); return; }
  const places = [...steps[0].values.keys()].filter((place) => !isFolded(place));
  fill("steps", element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "step"), steps.map((_, i) => element("th", { scope: "col" }, String(i + 1))))),
    element("tbody", {}, places.map((place) => element("tr", { "data-nodes": place }, element("th", { scope: "row" }, reference(place)), steps.map(({ values }) => element("td", {}, values.get(place))))),
      element("tr", { class: "writes" }, element("th", { scope: "row" }, "writes"), texts.map((text) => element("td", {}, text))))));
}
