// The source of a footnote: the quote, marked in the text around it.
import { get } from "./api.js";
import { h } from "./dom.js";

/** How many code points are shown on either side of a quote. */
const AROUND = 900;

export class Source {
  constructor(spread) {
    this.spread = spread;
    this.open = null;
    addEventListener("keydown", (event) => event.key === "Escape" && this.open && this.close(true));
  }

  /** Opens the source of a footnote beside the answer, or closes it. */
  async toggle(citation, number, mark, sentence) {
    if (this.open?.mark === mark) return this.close(true);
    this.close();
    const panel = h("aside", { class: "source", "aria-label": `Source of footnote ${number}`, tabindex: "-1" });
    this.open = { mark, sentence, panel };
    mark.setAttribute("aria-expanded", "true");
    sentence.classList.add("on");
    this.spread.classList.add("open");
    this.spread.append(panel);
    const where = [citation.page && `page ${citation.page}`, citation.heading, `version ${citation.version}`].filter(Boolean).join(" · ");
    panel.append(h("div", { class: "head" }, h("h2", {}, `${number}. ${citation.name}`), h("button", { type: "button", onclick: () => this.close(true) }, "Close")),
      h("p", { class: "hint" }, where));
    panel.focus({ preventScroll: true });
    try {
      const { text, version } = await get(`/v1/documents/${citation.document_id}/text`);
      panel.append(...context(text, version, citation));
      panel.querySelector("mark")?.scrollIntoView({ block: "center" });
    } catch (error) {
      panel.append(h("p", {}, h("mark", {}, citation.quote)), h("p", { class: "why", role: "alert" }, error.message));
    }
  }

  close(back = false) {
    if (!this.open) return;
    const { mark, sentence, panel } = this.open;
    this.open = null;
    mark.setAttribute("aria-expanded", "false");
    sentence.classList.remove("on");
    panel.remove();
    this.spread.classList.remove("open");
    if (back) mark.focus();
  }
}

/** The quote in its context. Offsets are code points, and JavaScript counts otherwise. */
function context(text, version, citation) {
  const points = Array.from(text);
  const { source_start: start, source_end: end } = citation;
  const stands = points.slice(start, end).join("") === citation.quote;
  if (!stands) {
    const why = version === citation.version ? "Parts of the quote are blacked out by policy." : "The document has changed since: this is what it said.";
    return [h("p", { class: "hint" }, why), h("pre", {}, h("mark", {}, citation.quote))];
  }
  const from = Math.max(0, start - AROUND);
  const to = Math.min(points.length, end + AROUND);
  const shown = h("pre", { tabindex: "0", "aria-label": "The text around the quote" }, from > 0 && "… ", points.slice(from, start).join(""),
    h("mark", {}, citation.quote), points.slice(end, to).join(""), to < points.length && " …");
  return [shown, h("p", {}, h("a", { href: `#/documents/${citation.document_id}` }, "The document"))];
}
