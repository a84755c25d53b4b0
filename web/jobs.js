// What happens in the background: which jobs wait, run and have failed, with their reasons.
import { get, post } from "./api.js";
import { h, notice, poll, state, time } from "./dom.js";
import { replaceRows } from "./list.js";

/** How often a page of the list is read again, in milliseconds; a list of more pages more seldom. */
const EVERY = 2000;
/** How long to wait after one that could not be read. */
const AFTER_FAILURE = 10_000;
const PAGE = 100;
/** The most jobs that the API lists at once. */
const MOST = 1000;

export function jobs(main) {
  const list = h("tbody");
  const stale = h("p", { class: "why", role: "status" });
  const only = h("select", { id: "only" }, ["", "queued", "running", "succeeded", "failed", "cancelled"].map((name) => h("option", { value: name }, name || "all")));
  const more = h("button", { type: "button", hidden: true, onclick: () => { limit = Math.min(MOST, limit + PAGE); load(); } }, "More");
  const rest = h("p", { class: "hint", hidden: true }, `These are the newest ${MOST} jobs: choose a state to see fewer.`);
  let [limit, wish, shown] = [PAGE, 0, new Map()];
  const act = (job, what) => h("button", { type: "button", onclick: async () => {
    try { await post(`/v1/jobs/${job.id}/${what}`, {}); load(); } catch (error) { notice(error.message, true); }
  }, "aria-label": `${what} ${job.id}` }, what);
  const row = (job) => h("tr", { "data-id": job.id },
    h("td", {}, job.kind, job.document_id && h("span", {}, " ", h("a", { href: `#/documents/${job.document_id}` }, "document"))),
    h("td", {}, state(job.state), job.error && h("div", { class: "why" }, job.error)),
    h("td", {}, job.state === "running" ? h("span", {}, h("progress", { max: 1, value: job.progress, "aria-label": `Progress of ${job.id}` }), ` ${job.stage}`) : `${job.attempts} of ${job.max_attempts} attempts`),
    h("td", { class: "wide" }, time(job.updated_at)),
    h("td", {}, ["queued", "running"].includes(job.state) && act(job, "cancel"), job.state === "failed" && act(job, "retry")));
  /** Shows the list as it is now. What has not changed stays as it stands, for who reads it or has the focus in it. */
  const show = (page) => {
    const now = new Map(page.jobs.map((job) => {
      const [said, before] = [JSON.stringify(job), shown.get(job.id)];
      return [job.id, before?.said === said ? before : { said, row: row(job) }];
    }));
    const rows = [...now.values()].map((one) => one.row);
    shown = now;
    if (!rows.length) rows.push(h("tr", {}, h("td", { colSpan: 5 }, "There is no such job.")));
    if (rows.length !== list.children.length || rows.some((one, at) => one !== list.children[at])) replaceRows(list, rows);
    more.hidden = !page.next_cursor || limit === MOST;
    rest.hidden = !page.next_cursor || limit < MOST;
    stale.textContent = "";
  };
  const load = async () => {
    const mine = ++wish;
    try {
      const page = await get(`/v1/jobs?${new URLSearchParams({ limit, ...(only.value && { state: only.value }) })}`);
      if (mine === wish) show(page);
      return EVERY * (limit / PAGE);
    } catch (error) {
      if (mine === wish) stale.textContent = `The list is not up to date: ${error.message}`;
      return Math.max(AFTER_FAILURE, (error.retryAfter ?? 0) * 1000);
    }
  };
  only.addEventListener("change", () => { limit = PAGE; load(); });
  main.append(h("h1", {}, "Jobs"), h("p", {}, h("label", { for: "only" }, "Show "), only), stale, h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Jobs" },
    h("table", {}, h("thead", {}, h("tr", {}, ["What", "State", "Progress", "Changed", "Actions"].map((head) => h("th", { scope: "col", class: head === "Changed" && "wide" }, head)))), list)), more, rest);
  return poll(EVERY, load);
}
