// The collections, and choosing the one that is worked with.
import { get } from "./api.js";
import { h } from "./dom.js";

/** The names of the collections, for the field at the top; none where they cannot be read. */
export async function collectionNames() {
  try { return (await get("/v1/collections?limit=1000")).collections.map(({ name }) => name); } catch { return []; }
}

export function collections(main, collection) {
  const list = h("tbody");
  const more = h("button", { type: "button", hidden: true }, "More");
  let after = null;
  const choose = (name) => {
    const field = document.getElementById("collection");
    field.value = name;
    field.dispatchEvent(new Event("change"));
    location.hash = "#/documents";
  };
  const row = ({ name, documents, answerable }) => h("tr", {},
    h("td", {}, h("button", { type: "button", "aria-current": name === collection && "true", onclick: () => choose(name) }, name)),
    h("td", {}, String(documents)), h("td", {}, String(answerable)));
  const load = async () => {
    try {
      const page = await get(`/v1/collections?${new URLSearchParams({ limit: "100", ...(after !== null && { after }) })}`);
      list.append(...page.collections.map(row));
      if (!list.childNodes.length) list.append(h("tr", {}, h("td", { colSpan: 3 }, h("a", { href: "#/documents" }, "Upload documents"), " to begin one.")));
      after = page.next_after ?? null;
      more.hidden = after === null;
    } catch (error) { list.append(h("tr", {}, h("td", { colSpan: 3 }, h("span", { class: "why", role: "alert" }, error.message)))); }
  };
  more.addEventListener("click", load);
  main.append(h("h1", {}, "Collections"), h("p", {}, "A collection begins with the first document that is uploaded to it. Choose one to work with it."),
    h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Collections" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Name", "Documents", "Of them in the index"].map((head) => h("th", { scope: "col" }, head)))), list)), more);
  load();
}
