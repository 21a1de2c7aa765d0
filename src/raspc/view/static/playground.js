"use strict";
// The playground's page: an editor, options, and what the server answers. Texts become text nodes, never HTML.
(() => {
  const byId = (id) => document.getElementById(id);
  const START = "# The last s-op is compiled.\n"
    + "opposite = length - indices - 1;\nflip = select(indices, opposite, ==);\nreverse = aggregate(flip, tokens);\n";
  const state = { programs: [], library: "", model: null, busy: false, faults: [] };
  const source = byId("source");

  function element(tag, attributes, ...children) {
    const node = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    node.append(...children);
    return node;
  }

  // -- the editor ----------------------------------------------------------------------------------

  const offsetOf = ({ line, column }) => {
    const lines = source.value.split("\n");
    return lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
  };

  function drawEditor() {
    const text = source.value;
    const wrong = new Set(state.faults.map((fault) => fault.line));
    byId("numbers").replaceChildren(...text.split("\n").flatMap((_, i) => [
      wrong.has(i + 1) ? element("b", {}, String(i + 1)) : String(i + 1), "\n"]));
    const marks = state.faults.filter((fault) => fault.line)
      .map((fault) => [offsetOf(fault), offsetOf(fault) + Math.max(1, fault.width)]).sort((a, b) => a[0] - b[0]);
    const parts = [];
    let at = 0;
    marks.forEach(([start, end]) => {
      if (start < at) return;
      parts.push(text.slice(at, start), element("mark", {}, text.slice(start, end) || " "));
      at = end;
    });
    byId("mirror").replaceChildren(...parts, `${text.slice(at)}\n`);
    follow();
  }

  function follow() {
    byId("mirror").scrollTop = source.scrollTop;
    byId("mirror").scrollLeft = source.scrollLeft;
    byId("numbers").scrollTop = source.scrollTop;
  }

  function showFaults(faults) {
    state.faults = faults;
    source.setAttribute("aria-invalid", String(faults.length > 0));
    byId("faults").replaceChildren(...faults.map((fault) => {
      const where = fault.line ? `line ${fault.line}, column ${fault.column}: ` : "";
      const node = element("button", { type: "button", class: "fault" }, where + fault.message);
      node.addEventListener("click", () => goTo(fault));
      return node;
    }));
    drawEditor();
    if (faults.length && faults[0].line) goTo(faults[0]);
  }

  function goTo(fault) {
    if (!fault.line) return;
    source.focus();
    source.setSelectionRange(offsetOf(fault), offsetOf(fault) + Math.max(1, fault.width));
    source.scrollTop = Math.max(0, (fault.line - 4) * 21);
  }

  // -- asking the server ---------------------------------------------------------------------------

  async function ask(action, body) {
    busy(true);
    try {
      const answer = await fetch(`/api/${action}`, {
        method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
      });
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
    byId("stop").disabled = !is;
  }

  function tell(text, kind = "") {
    byId("status").textContent = text;
    byId("status").className = kind;
  }

  async function compile() {
    if (state.busy) return;
    showFaults([]);
    tell("compiling …");
    const found = await ask("compile", {
      source: state.library ? "" : source.value, library: state.library, vocab: byId("vocab").value, where: byId("where").value,
      max_seq_len: Number(byId("length").value), optimize: Number(byId("optimize").value), causal: byId("causal").checked, partial: byId("partial").checked,
    });
    if (found.faults) { tell("not compiled", "bad"); showFaults(found.faults); return; }
    state.model = found.id;
    busy(false);
    tell([found.summary, ...found.notes].join("\n"), "good");
    byId("links").hidden = false;
    byId("zip").href = `/models/${found.id}/model.zip`;
    byId("page").href = `/models/${found.id}/page.html?download`;
    byId("view").src = `/models/${found.id}/page.html`;
    byId("view").hidden = false;
    byId("empty").hidden = true;
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

  // -- programs ------------------------------------------------------------------------------------

  function offer(programs) {
    state.programs = programs;
    const option = (entry, i) => element("option", { value: String(i) }, entry.name);
    const group = (label, wanted) => element("optgroup", { label },
      ...programs.map(option).filter((_, i) => wanted(programs[i])));
    byId("program").replaceChildren(element("option", { value: "" }, "your own text"),
      group("RASP texts, to edit", (entry) => !entry.library), group("The library, by name", (entry) => entry.library));
  }

  function pick() {
    const entry = state.programs[Number(byId("program").value)];
    const own = byId("program").value === "" || !entry;
    state.library = own ? "" : entry.library || "";
    source.readOnly = Boolean(state.library);
    byId("description").textContent = own ? "" : entry.description;
    if (own) source.value = START;
    else {
      source.value = entry.source || `# ${entry.name}: ${entry.description}\n# A program of the library, compiled by its name.\n`;
      byId("vocab").value = entry.vocab;
      byId("length").value = entry.max_seq_len;
      byId("causal").checked = entry.causal;
      byId("where").value = "";
    }
    showFaults([]);
  }

  source.addEventListener("input", () => { state.faults = []; drawEditor(); });
  source.addEventListener("scroll", follow);
  byId("program").addEventListener("change", pick);
  byId("compile").addEventListener("click", compile);
  byId("check").addEventListener("click", check);
  byId("onnx").addEventListener("click", onnx);
  byId("stop").addEventListener("click", () => fetch("/api/stop", {
    method: "POST", headers: { "content-type": "application/json" }, body: "{}" }));
  byId("options").addEventListener("submit", (event) => { event.preventDefault(); compile(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) compile(); });
  fetch("/api/programs").then((answer) => answer.json()).then(offer).then(() => { document.body.dataset.ready = "true"; });
  pick();
})();
