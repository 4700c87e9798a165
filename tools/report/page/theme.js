// Colours: of the page by theme, of what is shown by Okabe and Ito, which colour-blind people can
// tell apart.
const kColours = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C"];

function colour_of(index) {
  return kColours[index % kColours.length];
}

const theme = {
  listeners: [],
  colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  },
  set(name) {
    document.documentElement.dataset.theme = name;
    for (const listener of this.listeners) listener();
  },
  // Calls `listener` now and whenever the colours change.
  follow(listener) {
    this.listeners.push(listener);
    listener();
  },
  start() {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    this.set(dark.matches ? "dark" : "light");
    dark.addEventListener("change", () => this.set(dark.matches ? "dark" : "light"));
    document.getElementById("theme").addEventListener("click", () =>
      this.set(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  },
};
