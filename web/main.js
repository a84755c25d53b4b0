// Which page is shown, and what is the same on all of them: the collection, the key, light and dark.
import { hasKey, useKey } from "./api.js";
import { ask, forget } from "./ask.js";
import { collectionNames, collections } from "./collections.js";
import { documents } from "./documents.js";
import { entitle, h, keep, kept } from "./dom.js";
import { feedback } from "./feedback.js";
import { index } from "./index_page.js";
import { jobs } from "./jobs.js";
import { reports } from "./reports.js";

const pages = { ask, documents, collections, feedback, jobs, index, reports };
const main = document.getElementById("main");
const collection = document.getElementById("collection");
let leave = () => {};

/** The collection that is worked with. */
const currentCollection = () => collection.value.trim() || "default";

function show() {
  const [name, ...rest] = location.hash.replace(/^#\//, "").split("/");
  const isKnown = Object.hasOwn(pages, name);
  const page = isKnown ? pages[name] : ask;
  leave();
  // A page that is left may still be loading: what it adds then is on nobody's screen.
  const place = h("div");
  main.replaceChildren(place);
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.getAttribute("href") === `#/${isKnown ? name : "ask"}`;
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  // A page that loads something first is a promise, and leaves nothing behind.
  const left = page(place, currentCollection(), rest);
  leave = typeof left === "function" ? left : () => {};
  // A page that loads something first says its name when it knows it.
  entitle(main.querySelector("h1")?.textContent ?? document.querySelector("nav a[aria-current]").textContent);
}

/** To the question, where there is one, or to the page that has come. */
const settle = () => (document.getElementById("question") ?? main).focus({ preventScroll: true });

collection.addEventListener("focus", async () => {
  const names = await collectionNames();
  document.getElementById("collections").replaceChildren(...names.map((value) => h("option", { value })));
});
collection.value = kept("localStorage", "collection") ?? "default";
collection.addEventListener("change", () => {
  keep("localStorage", "collection", currentCollection());
  show();
});

const themes = ["system", "light", "dark"];
let shownTheme;
function theme(name) {
  shownTheme = themes.includes(name) ? name : "system";
  if (shownTheme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = shownTheme;
  document.getElementById("theme").textContent = `Theme: ${shownTheme}`;
}
theme(kept("localStorage", "theme"));
document.getElementById("theme").addEventListener("click", () => {
  theme(themes[(themes.indexOf(shownTheme) + 1) % themes.length]);
  keep("localStorage", "theme", shownTheme);
});

document.getElementById("key").addEventListener("click", () => {
  const input = h("input", { id: "key-input", type: "password", autocomplete: "off" });
  // A header takes nothing else; said here, since a browser that refuses to send it says nothing.
  input.addEventListener("input", () => input.setCustomValidity(/^\s*[!-~]*\s*$/.test(input.value) ? "" : "A key has letters, digits and signs of ASCII only: copy it again."));
  const close = () => { dialog.close(); dialog.remove(); };
  // Another one asks from here on: what this one has asked is not for it.
  const form = h("form", { method: "dialog", onsubmit: () => { useKey(input.value.trim()); close(); forget(); show(); } },
    h("h1", {}, "API key"),
    h("p", {}, "It is kept until this window is closed, and sent to this server only. An installation without keys needs none."),
    h("label", { for: "key-input" }, hasKey() ? "Another key, or nothing to forget it" : "Key"), input,
    h("div", { class: "row" }, h("button", { type: "button", onclick: close }, "Cancel"), h("button", { class: "first" }, "Use it")));
  const dialog = h("dialog", { "aria-label": "API key", onclose: () => dialog.remove() }, form);
  document.body.append(dialog);
  dialog.showModal();
});

document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input, textarea, select, dialog");
  if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    location.hash = "#/ask";
    document.getElementById("question")?.focus();
  }
});
addEventListener("hashchange", () => { show(); settle(); });
document.querySelector(".skip").addEventListener("click", (event) => {
  // The address says which page is shown, and is no place on it.
  event.preventDefault();
  main.focus();
});
// A file that is dropped beside its place would be opened in place of the page, with all that is on it.
for (const name of ["dragover", "drop"]) {
  addEventListener(name, (event) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}
show();
document.getElementById("question")?.focus();
