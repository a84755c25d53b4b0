// Asking: the answer while it is made, its footnotes, what was understood, and the readings to choose from.
import { events, get } from "./api.js";
import { h, state } from "./dom.js";
import { feedbackForm } from "./feedback.js";
import { Source } from "./source.js";

const STAGES = {
  preprocess: "Reading the question", retrieve: "Searching", read: "Looking for the answer", generate: "Writing", act: "Finishing",
};

export function ask(main, collection) {
  let conversation = null;
  const turns = h("div", { "aria-live": "polite" });
  const spread = h("div", { class: "spread" }, turns);
  const source = new Source(spread);
  const question = h("textarea", { id: "question", maxlength: "4000", required: true, placeholder: "How long is the notice period?" });
  const button = h("button", { class: "first" }, "Ask");
  const again = h("button", { type: "button", onclick: () => { conversation = null; turns.replaceChildren(); source.close(); question.focus(); } }, "New conversation");
  const put = async (text) => {
    button.disabled = true;
    const turn = h("article", { class: "turn" });
    turns.prepend(turn);
    source.close();
    try {
      const outcome = await answer(turn, { question: text, collection, stream: true, store: true, ...conversation }, source, put);
      if (outcome?.conversation_id) conversation = { conversation_id: outcome.conversation_id, store: undefined, collection: undefined };
    } finally {
      button.disabled = false;
      question.focus();
    }
  };
  const form = h("form", { class: "ask-form", onsubmit: (event) => {
    event.preventDefault();
    const text = question.value.trim();
    question.value = "";
    if (text) put(text);
  } },
  h("label", { for: "question" }, "Question"), question,
  h("div", { class: "row" }, button, again, h("span", { class: "hint" }, "Ctrl + Enter asks; / comes back here.")));
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !button.disabled) form.requestSubmit();
  });
  main.append(h("h1", {}, "Ask the documents"), form, spread);
  question.focus();
}

/** Fills a turn while its answer is made; the outcome, or nothing when there is none. */
async function answer(turn, request, source, put) {
  const text = h("div", { class: "answer" });
  const doing = h("p", { class: "hint busy" }, "Asking");
  turn.append(h("p", { class: "asked" }, request.question), text, doing);
  const marks = [];
  try {
    for await (const [name, data] of events("/v1/ask", request)) {
      if (name === "stage") doing.textContent = STAGES[data.stage] ?? data.stage;
      if (name === "sentence") addSentence(text, data, marks, source);
      if (name === "problem") throw new Error(data.detail);
      if (name === "outcome") {
        doing.remove();
        finish(turn, text, data, marks, source, put);
        return data;
      }
    }
    throw new Error("the answer ended before its end: ask again");
  } catch (error) {
    doing.remove();
    turn.append(h("p", { class: "why", role: "alert" }, error.message));
  }
}

/** A sentence with the buttons of its footnotes. */
function addSentence(text, { text: words, citations }, marks, source) {
  const sentence = h("span", { class: "cited" }, words);
  text.append(sentence);
  for (const citation of citations) {
    const number = marks.length + 1;
    const mark = h("button", { type: "button", class: "note-mark", "aria-expanded": "false", "aria-label": `Footnote ${number}: ${citation.name}`,
      onclick: () => source.toggle(citation, number, mark, sentence) }, String(number));
    marks.push({ citation, mark, sentence });
    text.append(mark);
  }
}

function finish(turn, text, outcome, marks, source, put) {
  // Sentences are those of an answer: what else is said comes at the end.
  if (!text.childNodes.length) text.append(outcome.clarify ? outcome.answer.split("\n")[0] : outcome.answer);
  if (outcome.clarify) {
    turn.append(h("ul", { class: "choices" }, outcome.clarify.map((option) => h("li", {}, h("button", { type: "button", onclick: () => put(option) }, option)))));
  }
  if (outcome.contradicting) turn.append(h("p", { class: "facts" }, "The sources contradict each other; each is quoted."));
  if (marks.length) {
    turn.append(h("ol", { class: "notes", "aria-label": "Footnotes" }, marks.map(({ citation, mark }) => h("li", {},
      h("button", { type: "button", onclick: () => mark.click() }, citation.name), place(citation), `: “${citation.quote}”`))));
  }
  turn.append(h("p", { class: "facts" }, state(outcome.outcome),
    outcome.outcome === "answered" && h("span", {}, `confidence ${Math.round(outcome.confidence * 100)} %`),
    h("span", {}, `${(outcome.timings_ms.total / 1000).toFixed(2)} s`)));
  turn.append(understood(outcome), feedbackForm(outcome));
}

const place = ({ page, heading }) => (page ? `, page ${page}` : heading ? `, ${heading}` : "");

/** A link to a document, by its name as soon as it is known. */
function named(id) {
  const link = h("a", { href: `#/documents/${id}` }, id);
  get(`/v1/documents/${id}`).then(({ name }) => { link.textContent = name; }, () => {});
  return link;
}

/** What was understood, what was changed, and why there is no answer. */
function understood({ question, outcome, actions, confidence, redacted, model }) {
  const kinds = { spelling: "spelling", encoding: "encoding", fragment: "keywords read as a question", follow_up: "read after what was said before" };
  const rows = [];
  if (question.interpreted !== question.original) rows.push(h("li", {}, `Understood as: ${question.interpreted}`));
  for (const { kind, from, to } of question.corrections) rows.push(h("li", {}, `${kinds[kind] ?? kind}: “${from}” → “${to}”`));
  if (question.parts.length > 1) {
    for (const part of question.parts) rows.push(h("li", {}, `${part.question} `, state(part.outcome)));
  }
  if (outcome === "abstained") rows.push(h("li", {}, `No passage answers it surely enough (${Math.round(confidence * 100)} %).`));
  if (redacted?.length) rows.push(h("li", {}, `Blacked out by policy: ${redacted.join(", ")}`));
  for (const action of actions) {
    if (action.document_ids?.length) {
      const what = action.type === "related_documents" ? "About the same" : "Nearest documents";
      rows.push(h("li", {}, `${what}: `, action.document_ids.flatMap((id, at) => [at ? ", " : "", named(id)])));
    } else if (action.type === "upload_documents") rows.push(h("li", {}, h("a", { href: "#/documents" }, "Upload documents"), " to answer from."));
    else rows.push(h("li", {}, action.type.replaceAll("_", " ")));
  }
  rows.push(h("li", {}, `${question.kind.replaceAll("_", " ")}; answered by ${model.generator}, index ${model.index}`));
  return h("details", { open: outcome !== "answered" }, h("summary", {}, "What was understood, and why"), h("ul", {}, rows));
}
