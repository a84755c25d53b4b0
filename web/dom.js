// Elements from plain data. Text is set as text and never read as markup: what documents say cannot become part of the page.

/** An element: `h("p", {class: "hint", onclick: f}, "text", other)`. Absent children are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** Says something at the edge of the page, also to screen readers. What went wrong stays until it is closed. */
export function notice(text, bad = false) {
  const shown = h("p", { class: bad ? "notice bad" : "notice" }, text, bad && " ", bad && h("button", { type: "button", onclick: () => shown.remove() }, "Close"));
  document.getElementById("notices").append(shown);
  if (!bad) setTimeout(() => shown.remove(), 5000);
}

/** What the browser has kept: `store` is `sessionStorage` or `localStorage`. Where it may keep nothing, asking is an error. */
export function kept(store, name) {
  try { return window[store].getItem(name); } catch { return null; }
}

/** Lets the browser keep something. Where it may not, it is forgotten with the page. */
export function keep(store, name, value) {
  try { window[store].setItem(name, value); } catch { /* the page works without */ }
}

/** What the window is called. */
export const entitle = (text) => { document.title = `${text} – Footnote`; };

/** The state of something as a badge. */
export function state(word) {
  const kinds = {
    answered: "good", succeeded: "good", active: "good", partial: "warn", clarify: "warn", abstained: "warn", running: "warn",
    queued: "soft", pending: "soft", blocked: "soft", failed: "bad", cancelled: "bad", deleted: "bad",
  };
  return h("span", { class: `state ${kinds[word] ?? "soft"}` }, word);
}

/** A time as people write it. */
export const time = (text) => new Date(text).toLocaleString();

/** A size as people write it. */
export function size(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let at = 0;
  while (bytes >= 1000 && at < units.length - 1) [bytes, at] = [bytes / 1000, at + 1];
  return `${at ? bytes.toFixed(1) : bytes} ${units[at]}`;
}

/** Looks, and again `every` milliseconds after each look, until what it returns is called. A look may say another wait. */
export function poll(every, look) {
  let timer;
  let isOver = false;
  const turn = async () => {
    const wait = document.hidden ? every : await look();
    if (!isOver) timer = setTimeout(turn, wait ?? every);
  };
  turn();
  return () => { isOver = true; clearTimeout(timer); };
}
