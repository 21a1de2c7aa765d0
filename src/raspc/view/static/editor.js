"use strict";
// The editor: a text with line numbers, and marks where its faults are. Texts become text nodes, never HTML.

const byId = (id) => document.getElementById(id);

function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  node.append(...children);
  return node;
}

const editor = { faults: [], source: byId("source") };

const offsetOf = ({ line, column }) => {
  const lines = editor.source.value.split("\n");
  return lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
};

function drawEditor() {
  const text = editor.source.value;
  const wrong = new Set(editor.faults.map((fault) => fault.line));
  byId("numbers").replaceChildren(...text.split("\n").flatMap((_, i) => [
    wrong.has(i + 1) ? element("b", {}, String(i + 1)) : String(i + 1), "\n"]));
  const marks = editor.faults.filter((fault) => fault.line)
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
  byId("mirror").scrollTop = editor.source.scrollTop;
  byId("mirror").scrollLeft = editor.source.scrollLeft;
  byId("numbers").scrollTop = editor.source.scrollTop;
}

function showFaults(faults) {
  editor.faults = faults;
  editor.source.setAttribute("aria-invalid", String(faults.length > 0));
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
  editor.source.focus();
  editor.source.setSelectionRange(offsetOf(fault), offsetOf(fault) + Math.max(1, fault.width));
  editor.source.scrollTop = Math.max(0, (fault.line - 4) * 21);
}

function setText(text, readOnly) {
  editor.source.value = text;
  editor.source.readOnly = readOnly;
  editor.source.scrollTop = 0;
  showFaults([]);
}
