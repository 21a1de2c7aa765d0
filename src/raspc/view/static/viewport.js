// A picture that can be panned and zoomed, with an overview of the whole where it does not fit.
// The page's wheel stays the page's: Ctrl and the wheel, the buttons, + − 0 and the arrow keys move the picture.

const ZOOM = { least: 0.15, most: 2.5, step: 1.25, readable: 0.72, tallest: 560 };

class Viewport {
  constructor(picture, { width, height, name, title, legend = [] }) {
    Object.assign(this, { picture, width, height, title });
    this.view = { x: 0, y: 0, scale: 1 };
    this.overview = this.makeOverview();
    this.stage = element("div", {
      class: "viewer-stage", tabindex: "0", role: "group", "aria-label": `${title}. Plus and minus zoom, arrow keys move it.`,
      onpointerdown: (event) => this.grab(event), onkeydown: (event) => this.onKey(event), onfocusin: (event) => this.onFocus(event),
    }, picture);
    this.stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    const button = (label, text, act) => element("button", { type: "button", class: "quiet small", "aria-label": label, title: label, onclick: act }, text);
    this.node = element("div", { class: "viewer" },
      element("div", { class: "viewer-bar" }, element("div", { class: "viewer-legend" }, legend),
        button("− zoom out", "−", () => this.zoom(1 / ZOOM.step)), button("+ zoom in", "+", () => this.zoom(ZOOM.step)),
        button("Fit: show all of it", "Fit", () => this.fit()), svgButton(() => picture, name, [0, 0, width, height])),
      this.stage, this.overview);
    new ResizeObserver(() => this.resize()).observe(this.stage);
  }

  makeOverview() {
    const boxes = [...this.picture.querySelectorAll("rect.face, .band rect")].map((rect) => {
      const copy = rect.cloneNode();
      copy.setAttribute("class", rect.classList.contains("face") ? "over-box" : "over-band");
      return copy;
    });
    this.frame = svg("rect", { class: "over-frame" });
    return svg("svg", {
      class: "overview", viewBox: `0 0 ${this.width} ${this.height}`, role: "img", "aria-label": "Overview: drag to move",
      onpointerdown: (event) => this.jump(event), onpointermove: (event) => event.buttons && this.jump(event),
    }, boxes, this.frame);
  }

  // At first all of it where that can be read, else its beginning.
  resize() {
    const room = this.stage.clientWidth;
    if (!room || room === this.room) return;
    this.room = room;
    const whole = Math.min(1, room / this.width, ZOOM.tallest / this.height);
    this.view.scale = Math.max(whole, Math.min(ZOOM.readable, 1));
    this.high = Math.min(ZOOM.tallest, Math.ceil(this.height * this.view.scale));
    this.stage.style.height = `${this.high}px`;
    this.move(0, 0);
  }

  fit() {
    this.view.scale = Math.min(1, this.room / this.width, this.high / this.height);
    this.move(0, 0);
  }

  zoom(factor, at = [this.room / 2, this.high / 2]) {
    const { scale, x, y } = this.view;
    const next = Math.max(ZOOM.least, Math.min(ZOOM.most, scale * factor));
    const [px, py] = [x + at[0] / scale, y + at[1] / scale];
    this.view.scale = next;
    this.move(px - at[0] / next, py - at[1] / next);
  }

  // Shows what stands at x, y in the upper left corner; what is smaller than the frame stands in its middle.
  move(x, y) {
    const [wide, high] = [this.room / this.view.scale, this.high / this.view.scale];
    const within = (value, seen, all) => (seen >= all ? (all - seen) / 2 : Math.max(0, Math.min(all - seen, value)));
    this.view.x = within(x, wide, this.width);
    this.view.y = within(y, high, this.height);
    this.picture.setAttribute("viewBox", `${round1(this.view.x)} ${round1(this.view.y)} ${round1(wide)} ${round1(high)}`);
    this.overview.classList.toggle("needed", wide < this.width - 1 || high < this.height - 1);
    Object.entries({ x: this.view.x, y: this.view.y, width: Math.min(wide, this.width), height: Math.min(high, this.height) })
      .forEach(([name, value]) => this.frame.setAttribute(name, round1(value)));
  }

  grab(event) {
    if (event.button !== 0) return;
    const { x, y, scale } = this.view;
    const [left, top] = [event.clientX, event.clientY];
    let moved = false;
    const drag = (now) => {
      if (!moved && Math.hypot(now.clientX - left, now.clientY - top) < 4) return;
      if (!moved) this.stage.setPointerCapture(now.pointerId);
      moved = true;
      this.move(x - (now.clientX - left) / scale, y - (now.clientY - top) / scale);
    };
    const end = () => {
      this.stage.removeEventListener("pointermove", drag);
      ["pointerup", "pointercancel"].forEach((name) => this.stage.removeEventListener(name, end));
      if (moved) this.stage.addEventListener("click", (click) => click.stopPropagation(), { capture: true, once: true });
    };
    this.stage.addEventListener("pointermove", drag);
    ["pointerup", "pointercancel"].forEach((name) => this.stage.addEventListener(name, end));
  }

  jump(event) {
    const box = this.overview.getBoundingClientRect();
    const share = this.width / box.width;
    this.move((event.clientX - box.left) * share - this.room / this.view.scale / 2, (event.clientY - box.top) * share - this.high / this.view.scale / 2);
  }

  onWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = this.stage.getBoundingClientRect();
    this.zoom(event.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step, [event.clientX - box.left, event.clientY - box.top]);
  }

  onKey(event) {
    const step = 60 / this.view.scale;
    const acts = {
      "+": () => this.zoom(ZOOM.step), "=": () => this.zoom(ZOOM.step), "-": () => this.zoom(1 / ZOOM.step), 0: () => this.fit(),
      ArrowLeft: () => this.move(this.view.x - step, this.view.y), ArrowRight: () => this.move(this.view.x + step, this.view.y),
      ArrowUp: () => this.move(this.view.x, this.view.y - step), ArrowDown: () => this.move(this.view.x, this.view.y + step),
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  // A box that is reached by Tab is brought into the frame.
  onFocus(event) {
    const face = event.target.querySelector && event.target.closest(".box") && event.target.querySelector(".face");
    if (!face) return;
    const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(face.getAttribute(name)));
    const [wide, high] = [this.room / this.view.scale, this.high / this.view.scale];
    const { x: left, y: top } = this.view;
    if (x < left || x + w > left + wide || y < top || y + h > top + high) this.move(x + w / 2 - wide / 2, y + h / 2 - high / 2);
  }

  // Printed, all of it is shown.
  print(whole) {
    if (!whole) { this.move(this.view.x, this.view.y); return; }
    this.picture.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
  }
}

const VIEWPORTS = new Map();
function showPicture(id, picture, options) {
  const port = new Viewport(picture, options);
  VIEWPORTS.set(id, port);
  fill(id, port.node);
  port.resize();
}
