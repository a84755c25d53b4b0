// Asking: the answer while it is made, its footnotes, what was understood, and the readings to choose from.
import { events, get } from "./api.js";
import { h, notice, state } from "./dom.js";
import { feedbackForm } from "./feedback.js";
import { Source } from "./source.js";

const STAGES = {
  preprocess: "Reading the question", retrieve: "Searching", read: "Looking for the answer", generate: "Writing", act: "Finishing",
};

/** What was asked, and what is written and answered just now: it is there again when another page was looked at. */
let kept = null;

/** Begins anew: what was asked with another key, or of another collection, is not shown any more. */
export function forget() {
  kept?.stop();
  kept = null;
}

export function ask(main, collection) {
  if (kept?.collection !== collection) {
    forget();
    kept = begin(collection);
  }
  const { form, spread, source } = kept;
  main.append(h("h1", {}, "Ask the documents"), form, spread);
  const escape = (event) => {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open]")) return;
    // Whoever writes goes on writing.
    source.close(!document.activeElement?.closest("input, textarea"));
  };
  addEventListener("keydown", escape);
  return () => removeEventListener("keydown", escape);
}

function begin(collection) {
  let conversation = null;
  /** The question that is being answered: one at a time, since each goes on with what was said before. */
  let asking = null;
  const turns = h("div");
  const spread = h("div", { class: "spread" }, turns);
  const source = new Source(spread);
  const question = h("textarea", { id: "question", required: true, placeholder: "How long is the notice period?" });
  const button = h("button", { class: "first" }, "Ask");
  const stop = () => {
    asking?.abort();
    asking = null;
    button.disabled = false;
  };
  const renew = () => {
    stop();
    conversation = null;
    turns.replaceChildren();
    source.close();
    question.focus();
  };
  const again = h("button", { type: "button", onclick: renew }, "New conversation");
  const put = async (text) => {
    if (asking) return notice("A question is being answered. Wait for its end, or begin a new conversation.");
    const mine = asking = new AbortController();
    button.disabled = true;
    const turn = h("article", { class: "turn" });
    turns.prepend(turn);
    source.close();
    const outcome = await answer(turn, { question: text, collection, stream: true, store: true, ...conversation }, { source, put, signal: mine.signal });
    // A new conversation has begun meanwhile.
    if (asking !== mine) return;
    stop();
    if (outcome?.conversation_id) conversation = { conversation_id: outcome.conversation_id, store: undefined, collection: undefined };
    // What was not answered need not be written again.
    if (!outcome && !question.value) question.value = text;
    // Whoever reads a source already, or writes elsewhere, is left there.
    if ([document.body, button, null].includes(document.activeElement)) question.focus();
  };
  const form = h("form", { class: "ask-form", onsubmit: (event) => {
    event.preventDefault();
    const text = question.value.trim();
    if (asking) return;
    question.value = "";
    if (text) put(text);
  } },
  h("label", { for: "question" }, "Question"), question,
  h("div", { class: "row" }, button, again, h("span", { class: "hint" }, "Ctrl + Enter asks; / comes back here.")));
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !asking) form.requestSubmit();
  });
  return { collection, form, spread, source, stop };
}

/** Fills a turn while its answer is made; the outcome, or nothing when there is none. */
async function answer(turn, request, { source, put, signal }) {
  // These two are read out as they change; the rest of a turn is there to go to.
  const text = h("div", { class: "answer", "aria-live": "polite" });
  const doing = h("p", { class: "hint busy", role: "status" }, "Asking");
  turn.append(h("p", { class: "asked" }, request.question), text, doing);
  const marks = [];
  try {
    for await (const [name, data] of events("/v1/ask", { body: request, signal })) {
      if (name === "stage") doing.textContent = STAGES[data.stage] ?? data.stage;
      if (name === "sentence") addSentence(text, data, marks, source);
      if (name === "outcome") {
        doing.remove();
        finish(turn, text, data, marks, source, put);
        return data;
      }
    }
    if (signal.aborted) return null;
    throw new Error("the answer ended before its end");
  } catch (error) {
    doing.remove();
    turn.append(h("p", { class: "why", role: "alert" }, error.message));
    return null;
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
    if (outcome.outcome === "partial") turn.append(h("p", {}, "The documents answer the rest for several things. Which one do you mean?"));
    turn.append(h("ul", { class: "choices" }, outcome.clarify.map((option) => h("li", {}, h("button", { type: "button", onclick: () => put(option) }, option)))));
  }
  if (outcome.wording === "quoted") turn.append(h("p", { class: "facts" }, "Quoted from the source, word for word."));
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
