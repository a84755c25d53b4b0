// Tables of what the API lists, page by page.
import { h } from "./dom.js";

/**
 * A table that grows by a page with each "More". `read` gets the cursor of a page, nothing for the first, and says its rows
 * and the cursor of the next. Of several wishes at once the newest is shown, and no page is read twice.
 */
export function pagedTable({ name, caption, columns, empty, read }) {
  const list = h("tbody");
  const failed = h("p", { class: "why", role: "alert" });
  const more = h("button", { type: "button", hidden: true, onclick: () => load(false) }, "More");
  let [next, wish] = [null, 0];
  const load = async (fresh = true) => {
    const mine = ++wish;
    const isAsked = document.activeElement === more;
    more.disabled = true;
    failed.textContent = "";
    try {
      const page = await read(fresh ? null : next);
      if (mine !== wish) return;
      if (fresh) replaceRows(list, page.rows);
      else list.append(...page.rows);
      if (!list.childNodes.length) list.append(h("tr", {}, h("td", { colSpan: columns.length }, empty)));
      next = page.next ?? null;
      more.hidden = next === null;
      // Whoever went on with the keyboard goes on where the page begins.
      if (isAsked && !fresh) page.rows[0]?.querySelector("a, button")?.focus();
    } catch (error) {
      if (mine !== wish) return;
      failed.textContent = error.message;
      // What stands there was read for another wish.
      if (fresh) list.replaceChildren();
    } finally {
      if (mine === wish) more.disabled = false;
    }
  };
  const heads = columns.map(([head, kind]) => h("th", { scope: "col", class: kind }, head));
  const table = h("div", { class: "table", tabindex: "0", role: "region", "aria-label": name },
    h("table", {}, caption && h("caption", {}, caption), h("thead", {}, h("tr", {}, heads)), list));
  return { elements: [table, failed, more], load };
}

/** Replaces rows, and leaves the focus where it was: on what is called the same in the row with the same `data-id`. */
export function replaceRows(list, rows) {
  const held = list.contains(document.activeElement) ? document.activeElement : null;
  const [id, words] = [held?.closest("tr")?.dataset.id, held?.textContent];
  list.replaceChildren(...rows);
  if (!held) return;
  const row = id && rows.find((row) => row.dataset.id === id);
  const same = [...(row ? row.querySelectorAll("a, button") : [])].find((element) => element.textContent === words);
  (same ?? list.closest("[tabindex]"))?.focus({ preventScroll: true });
}
