"use strict";
// Every word that is typed must occur in the name, the description or the origin of a program.
const box = document.getElementById("search");
const found = document.getElementById("found");
const cards = [...document.querySelectorAll("article")];
function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const card of cards) card.hidden = !words.every((word) => card.dataset.words.includes(word));
  for (const group of document.querySelectorAll("section")) group.hidden = !group.querySelector("article:not([hidden])");
  const left = cards.filter((card) => !card.hidden).length;
  found.textContent = words.length ? `${left} of ${cards.length} programs` : "";
}
box.addEventListener("input", search);
search(); // a browser that goes back keeps what was typed
