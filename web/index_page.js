// The index: building it anew with progress, and which models answer.
import { get, post } from "./api.js";
import { h, notice, poll, state } from "./dom.js";

const EVERY = 1500;
/** How long to wait after a look that failed, in milliseconds. */
const AFTER_FAILURE = 5000;
const isOver = (job) => !["queued", "running"].includes(job.state);

export function index(main) {
  let stop = () => {};
  /** The state is read out when it changes, and the figures, which change all the time, are not. */
  const said = h("span", { role: "status" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Progress of the reindex" });
  const line = h("p", { hidden: true }, said, " ", bar);
  const details = h("div");
  const show = ({ job, generations }) => {
    const words = [job.state, job.state === "running" && job.stage].filter(Boolean).join(" ");
    if (said.textContent !== words) said.replaceChildren(state(job.state), job.state === "running" ? ` ${job.stage}` : "");
    line.hidden = false;
    bar.value = job.progress;
    const report = Object.entries(job.report ?? {}).map(([name, value]) => h("li", {}, `${name.replaceAll("_", " ")}: ${typeof value === "object" ? JSON.stringify(value) : value}`));
    details.replaceChildren(...(job.error ? [h("p", { class: "why" }, job.error)] : []), h("ul", {}, report),
      h("p", { class: "hint" }, `Generations: ${generations.map((one) => `${one.number} (${one.state ?? "–"})`).join(", ")}`));
  };
  const follow = (id) => {
    stop();
    // Another page is shown already, and nobody would stop it.
    if (!main.isConnected) return;
    const end = poll(EVERY, async () => {
      try {
        const now = await get(`/v1/admin/reindex/${id}`);
        if (stop !== end) return;
        show(now);
        if (isOver(now.job)) stop();
      } catch (error) {
        if (stop === end) details.replaceChildren(h("p", { class: "why" }, `What is shown is not up to date: ${error.message}`));
        return Math.max(AFTER_FAILURE, (error.retryAfter ?? 0) * 1000);
      }
    });
    stop = end;
  };
  const begin = (body) => async () => {
    try { follow((await post("/v1/admin/reindex", body)).job.id); } catch (error) { notice(error.message, true); }
  };
  const models = h("div", {});
  main.append(h("h1", {}, "Index"), h("p", {}, "A reindex builds a new index beside the one that serves, checks it, and swaps it in. Questions are answered meanwhile."),
    h("p", {}, h("button", { type: "button", class: "first", onclick: begin({}) }, "Reindex"), " ", h("button", { type: "button", onclick: begin({ rollback: true }) }, "Back to the index before")),
    line, details, h("h2", {}, "Models that answer"), models);
  (async () => {
    try {
      const { loaded, adapters, next_cursor: next } = await get("/v1/admin/adapters?limit=1000");
      models.append(h("ul", {}, loaded.map((one) => h("li", {}, `${one.role}: ${one.adapter ?? "as it ships"}`, one.failure && h("span", { class: "why" }, " a later adapter could not be loaded")))),
        h("p", { class: "hint" }, `${adapters.length} adapters are registered${next ? ", and more" : ""}.`));
    } catch (error) { models.append(h("p", { class: "why" }, error.message)); }
  })();
  // One that was begun before, here or elsewhere, is followed on.
  get("/v1/jobs?kind=reindex&limit=1").then(({ jobs: [job] }) => { if (job && !isOver(job) && line.hidden) follow(job.id); }, () => {});
  return () => stop();
}
