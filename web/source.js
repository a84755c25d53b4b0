// The source of a footnote: the quote, marked in the text around it.
import { get } from "./api.js";
import { h } from "./dom.js";

/** How many code points are shown on either side of a quote. */
const AROUND = 900;
/** What stands for each character that was blacked out. */
const BLACKED = "█";

export class Source {
  constructor(spread) {
    this.spread = spread;
    this.open = null;
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
    } catch (error) {
      panel.append(h("p", {}, h("mark", {}, citation.quote)), h("p", { class: "why", role: "alert" }, error.message));
    }
    reveal(panel, panel.querySelector("mark"));
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

/** Brings the quote into sight: within the panel where it stands beside the answer, which stays where it is. */
function reveal(panel, mark) {
  if (getComputedStyle(panel).position !== "sticky") mark.scrollIntoView({ block: "center" });
  else panel.scrollTop += mark.getBoundingClientRect().top - panel.getBoundingClientRect().top - panel.clientHeight / 2;
}

/** The quote in its context. */
function context(text, version, citation) {
  const found = around(text, citation);
  const link = h("p", {}, h("a", { href: `#/documents/${citation.document_id}` }, "The document"));
  const isOld = version !== citation.version;
  if (!found) {
    const why = isOld ? "The document has changed since: this is what it said."
      : citation.quote.includes(BLACKED) ? "Parts of the quote are blacked out by policy." : "The document was read anew since: this is what it said.";
    return [h("p", { class: "hint" }, why), h("pre", {}, h("mark", {}, citation.quote)), link];
  }
  const { before, after, isBeginning, isEnd } = found;
  const shown = h("pre", { tabindex: "0", "aria-label": "The text around the quote" }, !isBeginning && "… ", before, h("mark", {}, citation.quote), after, !isEnd && " …");
  return [isOld && h("p", { class: "hint" }, `The document has changed since. The words still stand at their place in version ${version}, which is shown.`), shown, link].filter(Boolean);
}

/**
 * The text before and after a quote; nothing when the quote does not stand where the citation says. Offsets are code points,
 * and JavaScript counts in halves of some. A text may have millions of them: no list of them is made.
 */
export function around(text, { source_start: first, source_end: last, quote }) {
  const start = forward(text, 0, first);
  const end = forward(text, start, last - first);
  if (text.slice(start, end) !== quote) return null;
  const [from, to] = [backward(text, start, AROUND), forward(text, end, AROUND)];
  return { before: text.slice(from, start), after: text.slice(end, to), isBeginning: from === 0, isEnd: to === text.length };
}

function forward(text, at, points) {
  for (; points > 0 && at < text.length; points--) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

function backward(text, at, points) {
  // The code point that begins two units before is a whole one, if it is so large.
  for (; points > 0 && at > 0; points--) at -= at > 1 && text.codePointAt(at - 2) > 0xffff ? 2 : 1;
  return at;
}
