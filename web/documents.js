// The documents of a collection: the list, and one with its versions and its text. Uploading is in `uploads`.
import { get, remove } from "./api.js";
import { entitle, h, notice, size, state, time } from "./dom.js";
import { pagedTable } from "./list.js";
import { uploads } from "./uploads.js";

/** How much of a text is shown at once, in UTF-16 units: a browser lays out no book of millions in one piece. */
const PIECE = 200_000;

export function documents(main, collection, [id]) {
  return id ? one(main, id) : all(main, collection);
}

function all(main, collection) {
  const table = pagedTable({
    name: "Documents", caption: `Collection ${collection}`, columns: [["Name"], ["State"], ["Version"], ["Passages", "wide"], ["Changed", "wide"]],
    empty: "There is no document in this collection yet.",
    read: async (cursor) => {
      const page = await get(`/v1/documents?${new URLSearchParams({ collection, limit: "100", ...(cursor && { cursor }) })}`);
      return { rows: page.documents.map(row), next: page.next_cursor };
    },
  });
  main.append(h("h1", {}, "Documents"));
  const leave = uploads(main, collection, () => table.load());
  main.append(...table.elements);
  table.load();
  return leave;
}

function row({ id, name, latest, active, updated_at: changed }) {
  return h("tr", { "data-id": id }, h("td", {}, h("a", { href: `#/documents/${id}` }, name)), h("td", {}, state(latest.state)), h("td", {}, String(latest.version)),
    h("td", { class: "wide" }, String(active?.chunks ?? "–")), h("td", { class: "wide" }, time(changed)));
}

async function one(main, id) {
  main.append(h("p", {}, h("a", { href: "#/documents" }, "All documents")));
  const failure = (error) => h("p", { class: "why", role: "alert" }, error.message);
  let document;
  try { document = await get(`/v1/documents/${id}`); } catch (error) { main.append(h("h1", {}, "Document"), failure(error)); return; }
  const { latest, active } = document;
  if (main.isConnected) entitle(document.name);
  const facts = [["State", state(latest.state)], ["Collection", document.collection], ["Version", String(latest.version)], ["Size", size(latest.size_bytes)],
    ["Passages", String(active?.chunks ?? "–")], ["Pages", String(latest.pages ?? "–")], ["Uploaded", time(document.created_at)],
    ["Metadata", JSON.stringify(document.metadata)], ["Who may read it", document.access?.length ? document.access.join(", ") : "everyone who may use the collection"]];
  const away = h("button", { type: "button", class: "danger", onclick: async () => {
    if (!confirm(`Delete ${document.name} for good?`)) return;
    try { await remove(`/v1/documents/${id}`); notice(`${document.name} is deleted`); if (main.isConnected) location.hash = "#/documents"; } catch (error) { notice(error.message, true); }
  } }, "Delete");
  const reason = h("p", { class: "why" });
  main.append(h("h1", {}, document.name), reason, h("div", { class: "table" }, h("table", {}, h("tbody", {}, facts.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)))))), h("p", {}, away));
  const versions = [latest, ...(active && active.version !== latest.version ? [active] : [])];
  main.append(h("h2", {}, "Versions"), h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Versions" }, h("table", {},
    h("thead", {}, h("tr", {}, ["Version", "State", "Size", "Uploaded", "SHA-256"].map((head, at) => h("th", { scope: "col", class: at > 3 && "wide" }, head)))),
    h("tbody", {}, versions.map((version) => h("tr", {}, h("td", {}, String(version.version)), h("td", {}, state(version.state)), h("td", {}, size(version.size_bytes)),
      h("td", {}, time(version.created_at)), h("td", { class: "wide" }, version.sha256)))))),
    ...(versions.length > 1 ? [h("p", { class: "hint" }, notYet(latest, active))] : []));
  if (latest.state === "failed") whyFailed(id, latest.version).then((why) => { reason.textContent = why; }, () => { reason.textContent = "The job says why: see Jobs."; });
  if (!active) return;
  try {
    const { text, warnings } = await get(`/v1/documents/${id}/text`);
    main.append(...warnings.map((warning) => h("p", { class: "hint" }, warning)), h("h2", {}, "Text"), ...pieces(text));
  } catch (error) { main.append(h("h2", {}, "Text"), failure(error)); }
}

function notYet(latest, active) {
  return latest.state === "failed" ? `Questions are answered from version ${active.version}: version ${latest.version} could not be taken in.`
    : `Questions are answered from version ${active.version} until version ${latest.version} is in the index.`;
}

/** What the newest job of a version that failed says. */
async function whyFailed(id, version) {
  const { jobs } = await get(`/v1/jobs?${new URLSearchParams({ document_id: id, kind: "ingest", limit: "100" })}`);
  return jobs.find((job) => job.version === version)?.error ?? "The job that says why is not kept any more.";
}

/** A text, and a button for more of it when it is long. */
function pieces(text) {
  const shown = h("pre", { class: "turn text", tabindex: "0" });
  const how = h("p", { class: "hint" });
  const more = h("button", { type: "button", onclick: () => show() }, "More of the text");
  let at = 0;
  const show = () => {
    let end = Math.min(text.length, at + PIECE);
    // No character is cut in two.
    if (text.codePointAt(end - 1) > 0xffff) end++;
    shown.append(text.slice(at, end));
    at = end;
    how.textContent = `${Math.floor((at / text.length) * 100)} % of the text is shown.`;
    more.hidden = how.hidden = at >= text.length;
  };
  show();
  return [shown, how, more];
}
