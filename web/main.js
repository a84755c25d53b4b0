// Which page is shown, and what is the same on all of them: the collection, the key, light and dark.
import { hasKey, useKey } from "./api.js";
import { ask } from "./ask.js";
import { collectionNames, collections } from "./collections.js";
import { documents } from "./documents.js";
import { h } from "./dom.js";
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
  const page = pages[name] ?? ask;
  leave();
  // A page that is left may still be loading: what it adds then is on nobody's screen.
  const place = h("div");
  main.replaceChildren(place);
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.getAttribute("href") === `#/${pages[name] ? name : "ask"}`;
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  // A page that loads something first is a promise, and leaves nothing behind.
  const left = page(place, currentCollection(), rest);
  leave = typeof left === "function" ? left : () => {};
  document.title = `${main.querySelector("h1")?.textContent ?? "Footnote"} – Footnote`;
}

collection.addEventListener("focus", async () => {
  const names = await collectionNames();
  document.getElementById("collections").replaceChildren(...names.map((value) => h("option", { value })));
});
collection.value = localStorage.getItem("collection") ?? "default";
collection.addEventListener("change", () => {
  localStorage.setItem("collection", currentCollection());
  show();
});

const themes = ["system", "light", "dark"];
function theme(name) {
  document.documentElement.toggleAttribute("data-theme", name !== "system");
  if (name !== "system") document.documentElement.dataset.theme = name;
  document.getElementById("theme").textContent = `Theme: ${name}`;
  localStorage.setItem("theme", name);
}
theme(themes.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "system");
document.getElementById("theme").addEventListener("click", () => {
  theme(themes[(themes.indexOf(localStorage.getItem("theme")) + 1) % themes.length]);
});

document.getElementById("key").addEventListener("click", () => {
  const input = h("input", { id: "key-input", type: "password", autocomplete: "off" });
  const close = () => { dialog.close(); dialog.remove(); };
  const form = h("form", { method: "dialog", onsubmit: () => { useKey(input.value.trim()); close(); show(); } },
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
  if (event.key === "/" && !writes) {
    event.preventDefault();
    location.hash = "#/ask";
    document.getElementById("question")?.focus();
  }
});
addEventListener("hashchange", () => { show(); main.focus({ preventScroll: true }); });
show();
