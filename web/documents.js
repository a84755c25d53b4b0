// The documents of a collection: uploading with live progress, versions, reading and deleting.
import { events, get, remove, upload } from "./api.js";
import { h, notice, size, state, time } from "./dom.js";

export function documents(main, collection, [id]) {
  return id ? one(main, id) : all(main, collection);
}

function all(main, collection) {
  const list = h("tbody");
  const more = h("button", { type: "button", hidden: true }, "More");
  const sending = h("div", { "aria-live": "polite" });
  const input = h("input", { type: "file", multiple: true, id: "files" });
  const drop = h("div", { class: "drop" }, h("p", {}, "Drop files here, or choose them."), h("label", { for: "files" }, "Files "), input);
  let cursor = null;
  const load = async (fresh = true) => {
    try {
      const query = new URLSearchParams({ collection, limit: "100", ...(!fresh && cursor && { cursor }) });
      const page = await get(`/v1/documents?${query}`);
      if (fresh) list.replaceChildren();
      list.append(...page.documents.map(row));
      if (!list.childNodes.length) list.append(h("tr", {}, h("td", { colSpan: 5 }, "There is no document in this collection yet.")));
      cursor = page.next_cursor ?? null;
      more.hidden = !cursor;
    } catch (error) { notice(error.message, true); }
  };
  const take = async (files) => {
    for (const file of files) await send(file, collection, sending, load);
  };
  input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); take([...event.dataTransfer.files]); });
  more.addEventListener("click", () => load(false));
  const heads = ["Name", "State", "Version", "Passages", "Changed"];
  main.append(h("h1", {}, "Documents"), drop, sending, h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Documents" },
    h("table", {}, h("caption", {}, `Collection ${collection}`), h("thead", {}, h("tr", {}, heads.map((head, at) => h("th", { scope: "col", class: at > 2 && "wide" }, head)))), list)), more);
  load();
}

function row(document) {
  const { id, name, latest, active, updated_at: changed } = document;
  return h("tr", {}, h("td", {}, h("a", { href: `#/documents/${id}` }, name)), h("td", {}, state(latest.state)), h("td", {}, String(latest.version)),
    h("td", { class: "wide" }, String(active?.chunks ?? "–")), h("td", { class: "wide" }, time(changed)));
}

/** Uploads a file, and follows its job to the end. */
async function send(file, collection, sending, load) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": `Progress of ${file.name}` });
  const said = h("span", {}, "sending");
  sending.prepend(h("p", {}, `${file.name} (${size(file.size)}) `, bar, " ", said));
  try {
    const taken = await upload(file, collection, (share) => { bar.value = share * 0.3; });
    if (taken.duplicate) { bar.value = 1; said.replaceChildren("was there already"); return; }
    for await (const [, job] of events(`/v1/jobs/${taken.job_id}/events`)) {
      bar.value = 0.3 + 0.7 * job.progress;
      said.replaceChildren(job.state === "running" ? job.stage : state(job.state));
      if (job.error) said.append(" ", h("span", { class: "why" }, job.error));
    }
    load();
  } catch (error) {
    bar.remove();
    said.replaceChildren(h("span", { class: "why", role: "alert" }, error.message));
  }
}

async function one(main, id) {
  main.append(h("p", {}, h("a", { href: "#/documents" }, "All documents")));
  try {
    const document = await get(`/v1/documents/${id}`);
    const { latest, active } = document;
    const facts = [["State", state(latest.state)], ["Collection", document.collection], ["Version", String(latest.version)], ["Size", size(latest.size_bytes)],
      ["Passages", String(active?.chunks ?? "–")], ["Pages", String(latest.pages ?? "–")], ["Uploaded", time(document.created_at)],
      ["Metadata", JSON.stringify(document.metadata)], ["Who may read it", document.access?.length ? document.access.join(", ") : "everyone who may use the collection"]];
    const away = h("button", { type: "button", class: "danger", onclick: async () => {
      if (!confirm(`Delete ${document.name} for good?`)) return;
      try { await remove(`/v1/documents/${id}`); notice(`${document.name} is deleted`); location.hash = "#/documents"; } catch (error) { notice(error.message, true); }
    } }, "Delete");
    main.append(h("h1", {}, document.name), h("div", { class: "table" }, h("table", {}, h("tbody", {}, facts.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)))))), h("p", {}, away));
    const versions = [latest, ...(active && active.version !== latest.version ? [active] : [])];
    main.append(h("h2", {}, "Versions"), h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Versions" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Version", "State", "Size", "Uploaded", "SHA-256"].map((head, at) => h("th", { scope: "col", class: at > 3 && "wide" }, head)))),
      h("tbody", {}, versions.map((version) => h("tr", {}, h("td", {}, String(version.version)), h("td", {}, state(version.state)), h("td", {}, size(version.size_bytes)),
        h("td", {}, time(version.created_at)), h("td", { class: "wide" }, version.sha256)))))),
      ...(versions.length > 1 ? [h("p", { class: "hint" }, `Questions are answered from version ${active.version} until version ${latest.version} is in the index.`)] : []));
    if (active) {
      const { text, warnings } = await get(`/v1/documents/${id}/text`);
      main.append(...warnings.map((warning) => h("p", { class: "hint" }, warning)), h("h2", {}, "Text"), h("pre", { class: "turn text", tabindex: "0" }, text));
    }
  } catch (error) { main.append(h("h1", {}, "Document"), h("p", { class: "why", role: "alert" }, error.message)); }
}
