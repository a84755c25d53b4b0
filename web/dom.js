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

/** Says something at the edge of the page, also to screen readers. */
export function notice(text, bad = false) {
  const shown = h("p", { class: bad ? "notice bad" : "notice" }, text);
  document.getElementById("notices").append(shown);
  setTimeout(() => shown.remove(), bad ? 12000 : 5000);
}

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
