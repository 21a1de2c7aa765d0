// Elements are built, never parsed: text from programs and tokens reaches the page as text nodes alone.

const SVG = "http://www.w3.org/2000/svg";

function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const byId = (id) => document.getElementById(id);

function fill(id, ...children) {
  byId(id).replaceChildren(...children.flat(Infinity).filter(Boolean));
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const range = (start, stop) => (stop <= start ? "none" : stop === start + 1 ? `${start}` : `${start}–${stop - 1}`);

// A reference to a variable or selector: choosing it highlights it everywhere.
function reference(place, extra = {}) {
  return element("button", {
    type: "button", class: "ref", "data-nodes": place, "aria-pressed": "false",
    title: `Show ${NODES[place].label}`, onclick: () => choose(place), onmouseenter: () => hover(place),
    onmouseleave: () => hover(null), ...extra,
  }, NODES[place].label);
}
