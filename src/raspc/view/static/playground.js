"use strict";
// The playground's page: which program is in the editor, its settings, and what the server answers.
(() => {
  const START = "# The last s-op is compiled.\n"
    + "opposite = length - indices - 1;\nflip = select(indices, opposite, ==);\nreverse = aggregate(flip, tokens);\n";
  const SETTINGS = { vocab: "value", where: "value", prompts: "value", stop: "value", length: "valueAsNumber", optimize: "value", causal: "checked", partial: "checked", generate: "checked" };
  const OWN = { vocab: "a,b,c", where: "", prompts: "", stop: "", length: 8, optimize: "1", causal: false, partial: false, generate: false };
  // `entry`: the program that was chosen, null for a text of one's own; `own`: the settings of that text.
  const state = { programs: [], entry: null, own: { ...OWN }, model: null, compiled: "", busy: false };

  // -- settings and programs -----------------------------------------------------------------------

  const settings = () => Object.fromEntries(Object.entries(SETTINGS).map(([id, field]) => [id, byId(id)[field]]));
  function put(found) {
    Object.entries(found).forEach(([id, value]) => { byId(id)[SETTINGS[id]] = value; });
    showWriting();
  }
  const settingsOf = (entry) => ({
    vocab: entry.vocab, where: entry.where, prompts: entry.prompts, stop: entry.stop, length: entry.max_seq_len,
    optimize: byId("optimize").value, causal: entry.causal, partial: false, generate: entry.generate,
  });

  function showWriting() {
    const writes = byId("generate").checked;
    document.querySelectorAll(".if-writes").forEach((node) => { node.hidden = !writes; });
    document.querySelectorAll(".unless-writes").forEach((node) => { node.hidden = writes; });
  }

  // Everything that decides what is compiled, as text: what is on the screen now, or what the model was made of.
  const asked = () => ({ source: state.entry && state.entry.library ? "" : editor.source.value, library: (state.entry && state.entry.library) || "", ...settings(), optimize: Number(byId("optimize").value), length: byId("length").valueAsNumber || 0 });
  const fingerprint = () => JSON.stringify(asked());

  function offer(programs) {
    state.programs = programs;
    const option = (entry, i) => element("option", { value: String(i) }, entry.name);
    const group = (label, wanted) => element("optgroup", { label }, ...programs.map(option).filter((_, i) => wanted(programs[i])));
    byId("program").replaceChildren(element("option", { value: "" }, "your own text"),
      group("RASP texts, to edit", (entry) => !entry.library), group("The library, in Python", (entry) => entry.library && !entry.generate),
      group("The library: programs that write", (entry) => entry.library && entry.generate));
  }

  function pick() {
    if (!state.entry) state.own = settings();
    const entry = byId("program").value === "" ? null : state.programs[Number(byId("program").value)];
    choose(entry || null, entry ? entry.source : START);
    put(entry ? settingsOf(entry) : state.own);
    changed();
  }

  function choose(entry, text) {
    state.entry = entry;
    byId("program").value = entry ? String(state.programs.indexOf(entry)) : "";
    setText(text, Boolean(entry && entry.library));
    describe(entry ? entry.description : "");
    byId("readonly").hidden = !(entry && entry.library);
  }

  function describe(...content) { byId("description").replaceChildren(...content); }

  // A text that is edited is one's own. Where nothing is left of the program that was chosen, its settings go too.
  function edited() {
    editor.faults = [];
    drawEditor();
    const { entry } = state;
    if (entry && editor.source.value !== entry.source) {
      const lines = new Set(entry.source.split("\n").map((line) => line.trim()).filter(Boolean));
      const left = editor.source.value.split("\n").some((line) => lines.has(line.trim()));
      state.entry = null;
      byId("program").value = "";
      const back = element("button", { type: "button", class: "link" }, `back to ${entry.name}`);
      back.addEventListener("click", () => { choose(entry, entry.source); put(settingsOf(entry)); changed(); });
      describe(left ? "edited; " : "", ...(left ? [back] : []));
      if (!left) put(state.own);
    }
    changed();
  }

  // Whether the model that is shown is that of the text and settings that are shown.
  function changed() {
    if (!state.model) return;
    const stale = state.compiled !== fingerprint();
    byId("stale").hidden = !stale;
    byId("stale").textContent = stale ? "The text or its settings have changed since. This model, and what can be downloaded, are those of before: compile again." : "";
    document.body.classList.toggle("is-stale", stale);
  }

  // -- asking the server ---------------------------------------------------------------------------

  async function ask(action, body) {
    busy(true);
    try {
      const answer = await fetch(`/api/${action}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      return await answer.json();
    } catch (error) {
      return { faults: [{ message: `the playground does not answer: ${error.message}`, line: null }] };
    } finally {
      busy(false);
    }
  }

  function busy(is) {
    state.busy = is;
    byId("compile").disabled = is;
    byId("check").disabled = is || !state.model;
    byId("onnx").disabled = is;
    byId("halt").disabled = !is;
  }

  function tell(text, kind = "") {
    byId("status").textContent = text;
    byId("status").className = kind;
  }

  async function compile() {
    if (state.busy) return;
    showFaults([]);
    tell("compiling …");
    const { length, ...rest } = asked();
    const made = fingerprint();
    const found = await ask("compile", { ...rest, where: rest.generate ? "" : rest.where, max_seq_len: length });
    if (found.faults) { tell("not compiled", "bad"); forget(); showFaults(found.faults); return; }
    show(found, made);
  }

  function show(found, made) {
    state.model = found.id;
    state.compiled = made;
    busy(false);
    tell([found.summary, ...found.notes].join("\n"), "good");
    byId("links").hidden = false;
    byId("zip").href = `/models/${found.id}/model.zip`;
    byId("page").href = `/models/${found.id}/page.html?download`;
    byId("view").src = `/models/${found.id}/page.html`;
    byId("view").hidden = false;
    byId("empty").hidden = true;
    changed();
  }

  // A text that does not compile has no model: the one before it goes, and with it what could be downloaded.
  function forget() {
    state.model = null;
    state.compiled = "";
    busy(false);
    byId("links").hidden = true;
    ["zip", "page"].forEach((id) => byId(id).removeAttribute("href"));
    byId("view").hidden = true;
    byId("view").removeAttribute("src");
    byId("stale").hidden = true;
    document.body.classList.remove("is-stale");
    byId("empty").hidden = false;
    byId("empty").textContent = "The text does not compile: there is no model to show. The faults are told beside it.";
  }

  async function check() {
    tell("checking …");
    const found = await ask("check", { id: state.model });
    if (found.faults) { tell(found.faults[0].message, "bad"); return; }
    const { ok, checked, total, exhaustive, undefined: none, where, tokens, expected, found: answer } = found.report;
    const many = (number) => number.toLocaleString("en");
    const part = none ? `; the program has a value on ${many(checked - none)} of them` : "";
    if (ok) {
      tell(`equal to the interpreter on ${exhaustive ? "all" : "random"} ${many(checked)} of ${many(total)} inputs${where ? ` of ${where}` : ""}${part}`, "good");
    } else if (checked === none) {
      tell(`nothing was compared: the program has no value on any of the ${many(checked)} inputs`, "bad");
    } else {
      tell(`differs on ${JSON.stringify(tokens)}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(answer)}`, "bad");
    }
  }

  async function onnx() {
    tell("exporting …");
    const found = await ask("onnx", { id: state.model });
    if (found.faults) { tell(found.faults[0].message, "bad"); return; }
    tell("");
    element("a", { href: `/models/${state.model}/model.onnx`, download: "model.onnx" }).click();
  }

  // -- sharing -------------------------------------------------------------------------------------

  async function share() {
    history.replaceState(null, "", toFragment(asked()));
    try {
      await navigator.clipboard.writeText(location.href);
      tell("the link is in the clipboard, and in the address bar; whoever opens it in a playground of theirs has this program");
    } catch {
      tell("the link is in the address bar: copy it from there");
    }
  }

  function receive() {
    let found = null;
    try { found = fromFragment(location.hash); } catch (error) { tell(error.message, "bad"); }
    if (!found) return;
    const entry = state.programs.find((one) => one.library && one.library === found.library) || null;
    if (found.library && !entry) { tell("the link names a program that this playground does not have", "bad"); return; }
    choose(entry, entry ? entry.source : found.source);
    put(Object.fromEntries(Object.keys(SETTINGS).map((id) => [id, id === "optimize" ? String(found[id]) : found[id]])));
    tell("a program from a link: read it, then compile it");
    changed();
  }

  editor.source.addEventListener("input", edited);
  editor.source.addEventListener("scroll", follow);
  byId("program").addEventListener("change", pick);
  byId("compile").addEventListener("click", compile);
  byId("check").addEventListener("click", check);
  byId("onnx").addEventListener("click", onnx);
  byId("share").addEventListener("click", share);
  byId("halt").addEventListener("click", () => fetch("/api/stop", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }));
  byId("options").addEventListener("submit", (event) => { event.preventDefault(); compile(); });
  byId("options").addEventListener("input", () => { showWriting(); changed(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) compile(); });
  addEventListener("hashchange", receive);
  setText(START, false);
  put(OWN);
  fetch("/api/programs").then((answer) => answer.json()).then(offer).then(receive).then(() => { document.body.dataset.ready = "true"; });
})();
