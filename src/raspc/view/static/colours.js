// Colours of the scheme in force, as numbers for canvases.

const PALETTE_NAMES = ["text", "muted", "line", "panel", "page", "positive", "negative", "mark", "select", "attention"];
let palette = {};

function readPalette() {
  const probe = element("span");
  document.body.append(probe);
  palette = Object.fromEntries(PALETTE_NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, rgb(getComputedStyle(probe).color)];
  }));
  probe.remove();
}

// A canvas turns whatever notation a browser reports into three numbers.
const swab = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgb(colour) {
  swab.fillStyle = colour;
  swab.fillRect(0, 0, 1, 1);
  return Array.from(swab.getImageData(0, 0, 1, 1).data.slice(0, 3));
}

const css = (colour, alpha = 1) => `rgba(${colour.map(Math.round).join()},${alpha})`;
const blend = (from, to, share) => from.map((value, i) => value + (to[i] - value) * share);

// −1 … 1 as a colour between the negative and the positive pole, 0 being the panel.
function diverging(share, pole = null) {
  const strength = Math.min(1, Math.abs(share));
  return blend(palette.panel, pole || (share < 0 ? palette.negative : palette.positive), strength);
}

const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const readableOn = (colour) => (luminance(colour) > 140 ? "#10141a" : "#ffffff");

// One hue for each node, so that its name is found again in every part of the page.
const hueOf = (place) => (place * 137.508 + 250) % 360;
function nodeColour(place) {
  return place < 0 ? css(palette.muted) : `oklch(0.64 0.15 ${hueOf(place).toFixed(1)})`;
}
function swatch(place) {
  const mark = element("span", { class: "swatch", "aria-hidden": "true" });
  mark.style.background = nodeColour(place);
  return mark;
}

function onSchemeChange(redraw) {
  const again = () => { readPalette(); redraw(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  byId("theme").addEventListener("click", () => { nextTheme(); again(); });
}

const THEMES = ["auto", "light", "dark"];
function nextTheme() {
  const root = document.documentElement;
  const theme = THEMES[(THEMES.indexOf(root.dataset.theme || "auto") + 1) % THEMES.length];
  root.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
}
