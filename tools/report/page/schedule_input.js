// Mouse, fingers and keys for the schedule.
Object.assign(ScheduleView.prototype, {
  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("wheel", (event) => this.on_wheel(event), {passive: false});
    canvas.addEventListener("pointerdown", (event) => this.on_down(event));
    canvas.addEventListener("pointermove", (event) => this.on_move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.on_up(event));
    canvas.addEventListener("pointerleave", () => this.hover(-1));
    canvas.addEventListener("keydown", (event) => this.on_key(event));
    const jump = (event) => {
      if (event.buttons === 0) return;
      const share = (event.offsetX - kLeft) / (this.host.clientWidth - kLeft);
      const middle = this.limits.from + share * (this.limits.to - this.limits.from);
      const half = (this.view.to - this.view.from) / 2;
      this.show({from: middle - half, to: middle + half});
    };
    this.overview.addEventListener("pointerdown", jump);
    this.overview.addEventListener("pointermove", jump);
  },

  // Without Ctrl or focus the wheel scrolls the page.
  on_wheel(event) {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (!event.ctrlKey && !event.metaKey && !sideways && document.activeElement !== this.canvas) return;
    event.preventDefault();
    if (sideways) this.pan((event.deltaX || event.deltaY) / this.host.clientWidth);
    else this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 150), this.time_at(event.offsetX));
  },

  on_down(event) {
    this.pointers.set(event.pointerId, event.offsetX);
    this.canvas.setPointerCapture(event.pointerId);
    this.moved = 0;
  },

  on_move(event) {
    if (!this.pointers.has(event.pointerId)) {
      this.hover(this.placement_at(event.offsetX, event.offsetY), event.offsetX, event.offsetY);
      return;
    }
    const before = this.pointers.get(event.pointerId);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
    this.pointers.set(event.pointerId, event.offsetX);
    this.moved += Math.abs(event.offsetX - before);
    if (this.moved < 4) return;
    this.canvas.classList.add("dragging");
    this.hover(-1);
    if (others.length === 1) {
      const apart = Math.abs(before - others[0]);
      const now = Math.abs(event.offsetX - others[0]);
      if (apart > 8 && now > 8) this.zoom(apart / now, this.time_at(others[0]));
    } else {
      this.pan((before - event.offsetX) / (this.host.clientWidth - kLeft));
    }
  },

  on_up(event) {
    const was_click = this.pointers.size === 1 && this.moved < 4 && event.type === "pointerup";
    this.pointers.delete(event.pointerId);
    this.canvas.classList.remove("dragging");
    if (!was_click) return;
    const found = this.placement_at(event.offsetX, event.offsetY);
    const request = found < 0 ? -1 : this.schedule.request_of(found);
    this.follow(request === this.selected ? -1 : request);
  },

  on_key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const length = this.view.to - this.view.from;
    const acts = {
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      "ArrowLeft": () => this.pan(-0.2), "ArrowRight": () => this.pan(0.2),
      "Home": () => this.show({from: this.limits.from, to: this.limits.from + length}),
      "End": () => this.show({from: this.limits.to - length, to: this.limits.to}),
      "0": () => this.show(this.limits), "Escape": () => this.follow(-1),
      "n": () => this.step_by(1), "p": () => this.step_by(-1),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  },

  hover(i, x = 0, y = 0) {
    if (i !== this.hovered) {
      this.hovered = i;
      this.draw();
      if (i >= 0) this.fill_tip(i);
    }
    this.tip.hidden = i < 0;
    if (i < 0) return;
    const room = this.host.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(x + 14, room))}px`;
    this.tip.style.top = `${y + 18}px`;
  },

  fill_tip(i) {
    const words = this.schedule.describe(i);
    const lines = [`${words.kind} · ${words.stage}`, words.group, `took ${words.took}, expected ${words.expected}`,
      words.before, `decision ${words.decision}`, words.preempted, words.failed, words.fate];
    this.tip.replaceChildren(element("b", {}, words.title),
      ...lines.filter((line) => line !== "").map((line) => element("div", {}, line)));
  },
});
