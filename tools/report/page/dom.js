// Elements. Text from runs goes through textContent alone, so names are never markup.
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "style") made.style.cssText = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== "") made.append(child);
  }
  return made;
}

// columns: [{name, text: true where it holds words}]; rows: arrays of text or elements.
function table(columns, rows, caption) {
  const kind = (i) => (columns[i].text ? (columns[i].wide ? "text wide" : "text") : "");
  return element("table", {},
    caption ? element("caption", {}, caption) : null,
    element("thead", {}, element("tr", {},
      columns.map((column, i) => element("th", {class: kind(i), scope: "col"}, column.name)))),
    element("tbody", {}, rows.map((row) => element("tr", {},
      row.map((cell, i) => element("td", {class: kind(i)}, cell instanceof Node ? cell : String(cell)))))));
}

// What a spreadsheet takes when it is pasted.
function tabbed(columns, rows) {
  const plain = (cell) => (cell instanceof Node ? cell.textContent : String(cell));
  return [columns.map((column) => column.name), ...rows.map((row) => row.map(plain))]
    .map((row) => row.join("\t")).join("\n");
}

function copy_button(text) {
  const button = element("button", {type: "button"}, "Copy");
  button.addEventListener("click", () => {
    const area = element("textarea", {class: "hidden"});
    area.value = text();
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}

// The numbers behind a picture. `rows` may be a function, called when they are first wanted.
function numbers(columns, rows, title = "The numbers as a table") {
  const made = element("details", {}, element("summary", {}, title));
  made.addEventListener("toggle", () => {
    if (made.childElementCount > 1) return;
    const all = typeof rows === "function" ? rows() : rows;
    made.append(element("div", {class: "scroll", tabindex: "0"}, table(columns, all)),
      copy_button(() => tabbed(columns, all)));
  });
  return made;
}

function keys(entries) {
  return element("ul", {class: "keys"}, entries.map(([colour, text]) =>
    element("li", {}, element("i", {style: `background:${colour}`}), text)));
}

function figure(title, explanation, ...content) {
  return element("figure", {},
    element("figcaption", {}, element("h3", {}, title), explanation ? element("p", {}, explanation) : null),
    content);
}
