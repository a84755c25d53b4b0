// The collections, and choosing the one that is worked with.
import { get } from "./api.js";
import { h } from "./dom.js";
import { pagedTable } from "./list.js";

/** The names of the collections, for the field at the top; none where they cannot be read. */
export async function collectionNames() {
  try { return (await get("/v1/collections?limit=1000")).collections.map(({ name }) => name); } catch { return []; }
}

export function collections(main, collection) {
  const choose = (name) => {
    const field = document.getElementById("collection");
    field.value = name;
    field.dispatchEvent(new Event("change"));
    location.hash = "#/documents";
  };
  const row = ({ name, documents, answerable }) => h("tr", {},
    h("td", {}, h("button", { type: "button", "aria-current": name === collection && "true", onclick: () => choose(name) }, name)),
    h("td", {}, String(documents)), h("td", {}, String(answerable)));
  const table = pagedTable({
    name: "Collections", columns: [["Name"], ["Documents"], ["Of them in the index"]],
    empty: h("span", {}, h("a", { href: "#/documents" }, "Upload documents"), " to begin one."),
    read: async (after) => {
      const page = await get(`/v1/collections?${new URLSearchParams({ limit: "100", ...(after !== null && { after }) })}`);
      return { rows: page.collections.map(row), next: page.next_after };
    },
  });
  main.append(h("h1", {}, "Collections"), h("p", {}, "A collection begins with the first document that is uploaded to it. Choose one to work with it."), ...table.elements);
  table.load();
}
