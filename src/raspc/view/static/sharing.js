"use strict";
// A program in the fragment of an address: it is read by the browser alone, and never sent. What it holds is text.

const MOST_SHARED = 120000;
const SHARED_KINDS = {
  source: "string", library: "string", vocab: "string", where: "string", prompts: "string", stop: "string",
  length: "number", optimize: "number", causal: "boolean", partial: "boolean", generate: "boolean",
};

function toFragment(program) {
  const bytes = new TextEncoder().encode(JSON.stringify(program));
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return `#program=${btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;
}

// The program of a fragment; null where there is none. Throws an Error that says what is wrong with it.
function fromFragment(fragment) {
  const found = /^#program=([\w-]*)$/.exec(fragment);
  if (!found) return null;
  if (found[1].length > MOST_SHARED) throw new Error("the program in the address is too long");
  let program;
  try {
    const letters = atob(found[1].replace(/-/g, "+").replace(/_/g, "/"));
    program = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0))));
  } catch {
    throw new Error("the program in the address cannot be read; ask for the link again");
  }
  const fits = program && typeof program === "object" && Object.entries(SHARED_KINDS).every(([name, kind]) => typeof program[name] === kind);
  if (!fits) throw new Error("the address holds something else than a program; ask for the link again");
  return program;
}
