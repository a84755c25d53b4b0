// The index: building it anew with progress, and which models answer.
import { get, post } from "./api.js";
import { h, notice, state } from "./dom.js";

const EVERY = 1500;

export function index(main) {
  let timer;
  const shown = h("div", { "aria-live": "polite" });
  const follow = (id) => {
    clearInterval(timer);
    const look = async () => {
      try {
        const { job, generations } = await get(`/v1/admin/reindex/${id}`);
        const report = Object.entries(job.report ?? {}).map(([name, value]) => h("li", {}, `${name.replaceAll("_", " ")}: ${typeof value === "object" ? JSON.stringify(value) : value}`));
        shown.replaceChildren(h("p", {}, state(job.state), " ", job.state === "running" && job.stage, " ", h("progress", { max: 1, value: job.progress, "aria-label": "Progress of the reindex" })),
          ...(job.error ? [h("p", { class: "why" }, job.error)] : []), h("ul", {}, report),
          h("p", { class: "hint" }, `Generations: ${generations.map((one) => `${one.number} (${one.state ?? "–"})`).join(", ")}`));
        if (!["queued", "running"].includes(job.state)) clearInterval(timer);
      } catch (error) { clearInterval(timer); notice(error.message, true); }
    };
    timer = setInterval(look, EVERY);
    look();
  };
  const begin = (body) => async () => {
    try { follow((await post("/v1/admin/reindex", body)).job.id); } catch (error) { notice(error.message, true); }
  };
  const models = h("div", {});
  main.append(h("h1", {}, "Index"), h("p", {}, "A reindex builds a new index beside the one that serves, checks it, and swaps it in. Questions are answered meanwhile."),
    h("p", {}, h("button", { type: "button", class: "first", onclick: begin({}) }, "Reindex"), " ", h("button", { type: "button", onclick: begin({ rollback: true }) }, "Back to the index before")),
    shown, h("h2", {}, "Models that answer"), models);
  (async () => {
    try {
      const { loaded, adapters } = await get("/v1/admin/adapters");
      models.append(h("ul", {}, loaded.map((one) => h("li", {}, `${one.role}: ${one.adapter ?? "as it ships"}`, one.failure && h("span", { class: "why" }, " a later adapter could not be loaded")))),
        h("p", { class: "hint" }, `${adapters.length} adapters are registered.`));
    } catch (error) { models.append(h("p", { class: "why" }, error.message)); }
  })();
  return () => clearInterval(timer);
}
