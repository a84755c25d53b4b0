// What happens in the background: which jobs wait, run and have failed, with their reasons.
import { get, post } from "./api.js";
import { h, notice, state, time } from "./dom.js";

/** How often the list is read again, in milliseconds. */
const EVERY = 2000;

export function jobs(main) {
  const list = h("tbody");
  const only = h("select", { id: "only" }, ["", "queued", "running", "succeeded", "failed", "cancelled"].map((name) => h("option", { value: name }, name || "all")));
  const act = (job, what) => h("button", { type: "button", onclick: async () => {
    try { await post(`/v1/jobs/${job.id}/${what}`, {}); load(); } catch (error) { notice(error.message, true); }
  }, "aria-label": `${what} ${job.id}` }, what);
  const row = (job) => h("tr", {},
    h("td", {}, job.kind, job.document_id && h("span", {}, " ", h("a", { href: `#/documents/${job.document_id}` }, "document"))),
    h("td", {}, state(job.state), job.error && h("div", { class: "why" }, job.error)),
    h("td", {}, job.state === "running" ? h("span", {}, h("progress", { max: 1, value: job.progress, "aria-label": `Progress of ${job.id}` }), ` ${job.stage}`) : `${job.attempts} of ${job.max_attempts} attempts`),
    h("td", { class: "wide" }, time(job.updated_at)),
    h("td", {}, ["queued", "running"].includes(job.state) && act(job, "cancel"), job.state === "failed" && act(job, "retry")));
  const load = async () => {
    try {
      const query = new URLSearchParams({ limit: "100", ...(only.value && { state: only.value }) });
      const page = await get(`/v1/jobs?${query}`);
      list.replaceChildren(...page.jobs.map(row));
      if (!page.jobs.length) list.append(h("tr", {}, h("td", { colSpan: 5 }, "There is no such job.")));
    } catch (error) { notice(error.message, true); clearInterval(timer); }
  };
  only.addEventListener("change", load);
  main.append(h("h1", {}, "Jobs"), h("p", {}, h("label", { for: "only" }, "Show "), only), h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Jobs" },
    h("table", {}, h("thead", {}, h("tr", {}, ["What", "State", "Progress", "Changed", "Actions"].map((head) => h("th", { scope: "col", class: head === "Changed" && "wide" }, head)))), list)));
  const timer = setInterval(() => !document.hidden && load(), EVERY);
  load();
  return () => clearInterval(timer);
}
