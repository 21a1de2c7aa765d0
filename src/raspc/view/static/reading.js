// "How to read this page", in three sentences about this model.

function drawReading() {
  const parts = [DATA.heads.length ? plural(DATA.heads.length, "head") : "", DATA.neurons.length ? "neurons" : ""].filter(Boolean).join(" and ") || "no head and no neuron";
  const [first] = DATA.neurons.length ? DATA.neurons : [];
  const example = first ? NODES[first.node].label : NODES[DATA.output].label;
  fill("reading",
    element("p", {}, `The program below was compiled into the weights of a transformer with ${plural(CONFIG.n_layers, "layer")}: each of its variables, such as `, element("code", {}, example), `, is computed by a part that is known, here ${parts}.`),
    element("p", {}, "Type an input above; the model runs in this page, and after every stage you see what it holds of each variable beside what the program says it should be."),
    element("p", {}, "Choose a variable, or point at a token, to find it again in every part: program, stream, attention, neurons, weights and circuit."));
}
