// Feedback: what can be said about an answer, and for administrators what was said.
import { get, post, remove } from "./api.js";
import { entitle, h, notice, state, time } from "./dom.js";
import { pagedTable } from "./list.js";

const VERDICTS = {
  right: "Right", wrong: "Wrong", wrong_source: "Right, but the source is the wrong one", should_have_answered: "It should have answered",
  should_have_abstained: "It should not have answered", better_answer: "There is a better answer",
};
/** What cannot be said about an answer that ended so. */
const NOT_ABOUT = {
  answered: ["should_have_answered"], abstained: ["wrong_source", "should_have_abstained"], blocked: ["wrong_source", "should_have_abstained"],
  clarify: ["wrong_source"], partial: [],
};
/** What goes with a better answer. */
const WITH_BETTER = ["wrong", "wrong_source", "should_have_answered", "better_answer"];

/** The form under an answer. */
export function feedbackForm({ id, outcome }) {
  const better = h("textarea", { rows: "3" });
  const betterLine = h("p", { hidden: true }, h("label", {}, "The better answer", better));
  const comment = h("input", { type: "text", autocomplete: "off" });
  const said = h("p", { class: "hint", role: "status" });
  const failed = h("p", { class: "why", role: "alert" });
  const send = h("button", { class: "first" }, "Send");
  const choose = (verdict) => {
    betterLine.hidden = !WITH_BETTER.includes(verdict);
    better.required = verdict === "better_answer";
  };
  const choices = Object.entries(VERDICTS).filter(([verdict]) => !NOT_ABOUT[outcome]?.includes(verdict)).map(([verdict, words]) => h("label", { class: "choice" },
    h("input", { type: "radio", name: `verdict-${id}`, value: verdict, required: true, onchange: () => choose(verdict) }), ` ${words}`));
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const verdict = new FormData(form).get(`verdict-${id}`);
    const text = (field) => field.value.trim() || undefined;
    send.disabled = true;
    said.textContent = failed.textContent = "";
    try {
      await post(`/v1/answers/${id}/feedback`, { verdict, comment: text(comment), better_answer: betterLine.hidden ? undefined : text(better) });
      said.textContent = "Kept, with all that the answer came from. Sending again replaces it.";
    } catch (error) {
      failed.textContent = error.message;
    } finally {
      send.disabled = false;
    }
  } },
  h("fieldset", {}, h("legend", {}, "What do you say about this answer?"), choices), betterLine, h("p", {}, h("label", {}, "Comment (optional)", comment)),
  h("div", { class: "row" }, send, said, failed));
  return h("details", { class: "feedback" }, h("summary", {}, "Feedback"), form);
}

/** The list, or one of it. */
export function feedback(main, collection, [id]) {
  return id ? one(main, id) : all(main, collection);
}

function all(main, collection) {
  const only = h("select", { id: "only" }, h("option", { value: "" }, "all"), Object.entries(VERDICTS).map(([value, words]) => h("option", { value }, words)));
  const table = pagedTable({
    name: "Feedback", caption: `Collection ${collection}`, columns: [["Question"], ["Said"], ["Outcome"], ["Comment", "wide"], ["When", "wide"]],
    empty: "Nobody has said that about an answer from this collection yet.",
    read: async (cursor) => {
      const query = new URLSearchParams({ collection, limit: "100", ...(only.value && { verdict: only.value }), ...(cursor && { cursor }) });
      const page = await get(`/v1/feedback?${query}`);
      return { rows: page.feedback.map(row), next: page.next_cursor };
    },
  });
  only.addEventListener("change", () => table.load());
  main.append(h("h1", {}, "Feedback"), h("p", {}, h("label", { for: "only" }, "Show "), only), ...table.elements,
    h("p", { class: "hint" }, "footnote feedback export writes it as examples for training and evaluation."));
  table.load();
}

function row({ id, question, verdict, outcome, comment, given_at: at }) {
  return h("tr", { "data-id": id }, h("td", {}, h("a", { href: `#/feedback/${id}` }, question)), h("td", {}, VERDICTS[verdict] ?? verdict), h("td", {}, state(outcome)),
    h("td", { class: "wide" }, comment ?? "–"), h("td", { class: "wide" }, time(at)));
}

async function one(main, id) {
  main.append(h("p", {}, h("a", { href: "#/feedback" }, "All feedback")));
  try {
    const said = await get(`/v1/feedback/${id}`);
    const { outcome, passages, asked_at: asked } = said.trace;
    const facts = [["Said", VERDICTS[said.verdict] ?? said.verdict], ["Better answer", said.better_answer ?? "–"], ["Comment", said.comment ?? "–"],
      ["By", said.given_by], ["When", time(said.given_at)], ["Asked", time(asked)], ["Understood as", outcome.question.interpreted || "–"], ["Outcome", state(outcome.outcome)],
      ["Answer", outcome.answer || "–"], ["Confidence", `${Math.round(outcome.confidence * 100)} %`],
      ["Models", [outcome.model.reader, outcome.model.generator, outcome.model.adapter, outcome.model.embedder, `index ${outcome.model.index}`].filter(Boolean).join(", ")],
      ["Times", Object.entries(outcome.timings_ms).map(([stage, ms]) => `${stage} ${ms.toFixed(0)} ms`).join(", ")]];
    const away = h("button", { type: "button", class: "danger", onclick: async () => {
      if (!confirm("Delete this feedback with its trace for good?")) return;
      try { await remove(`/v1/feedback/${id}`); notice("The feedback is deleted"); if (main.isConnected) location.hash = "#/feedback"; } catch (error) { notice(error.message, true); }
    } }, "Delete");
    const cited = outcome.citations.map((citation) => h("li", {}, h("a", { href: `#/documents/${citation.document_id}` }, citation.name || "deleted document"),
      citation.quote && `: “${citation.quote}”`));
    const found = passages.map((passage) => h("li", {}, `${passage.score.toFixed(3)} `, h("a", { href: `#/documents/${passage.document_id}` }, passage.name || "deleted document"),
      h("div", { class: "passage" }, passage.text)));
    main.append(h("h1", {}, outcome.question.original), h("div", { class: "table" }, h("table", {}, h("tbody", {}, facts.map(([name, value]) =>
      h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)))))),
      h("h2", {}, "Footnotes"), cited.length ? h("ol", {}, cited) : h("p", {}, "None."), h("h2", {}, "Passages that were found"), h("ol", { class: "passages" }, found), h("p", {}, away));
    if (main.isConnected) entitle("Feedback");
  } catch (error) { main.append(h("h1", {}, "Feedback"), h("p", { class: "why", role: "alert" }, error.message)); }
}
