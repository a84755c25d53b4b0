// Reports of evaluation and training runs, drawn from their figures, and how the registered adapters were measured.
import { get, text } from "./api.js";
import { entitle, h, notice, time } from "./dom.js";
import { pagedTable } from "./list.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320;
const HEIGHT = 120;

export function reports(main, collection, [name]) {
  // The name comes as it is written in an address, and goes on so.
  return name ? one(main, name) : all(main);
}

const scrolls = (label, ...children) => h("div", { class: "table", tabindex: "0", role: "region", "aria-label": label }, h("table", {}, ...children));
const heads = (names) => h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name))));
const percent = (share) => `${(share * 100).toFixed(1)} %`;
const failure = (error) => h("p", { class: "why", role: "alert" }, error.message);

async function all(main) {
  const runs = h("div");
  const adapters = pagedTable({
    name: "Adapters", columns: [["Adapter"], ["Role"], ["Evaluation"]], empty: "None is registered.",
    read: async (cursor) => {
      const page = await get(`/v1/admin/adapters?${new URLSearchParams({ limit: "100", ...(cursor && { cursor }) })}`);
      return { rows: page.adapters.map(adapter), next: page.next_cursor };
    },
  });
  main.append(h("h1", {}, "Reports"), h("p", {}, "The runs of footnote eval run and footnote train in the folder of reports, newest first."), runs,
    h("h2", {}, "Adapters"), ...adapters.elements);
  adapters.load();
  try {
    const { reports: found } = await get("/v1/admin/reports");
    runs.append(found.length ? scrolls("Runs", heads(["Run", "Kind", "Main figures", "Written"]), h("tbody", {}, found.map(row)))
      : h("p", { class: "hint" }, "There is none yet. Name the folder with the setting “reports”, or let a run write into the folder “reports” of the data directory."));
  } catch (error) { runs.append(failure(error)); }
}

function row({ name, kind, suite, figures, written_at: written, unreadable }) {
  const shown = unreadable ? h("span", { class: "why" }, unreadable) : figures.map(({ label, value }) => `${label} ${value}`).join(", ");
  return h("tr", {}, h("td", {}, h("a", { href: `#/reports/${encodeURIComponent(name)}` }, name)), h("td", {}, suite ? `${kind} of ${suite}` : kind), h("td", {}, shown),
    h("td", {}, time(written)));
}

function adapter({ name, role, serving, evaluation }) {
  const figures = evaluation?.figures?.figures ?? [];
  const shown = figures.map(({ metric, value, low, high }) => `${metric.replaceAll("_", " ")} ${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`);
  return h("tr", {}, h("td", {}, name, serving && " (serves)"), h("td", {}, role), h("td", {}, evaluation ? `${evaluation.suite}: ${shown.join(", ")}` : "not measured"));
}

async function one(main, name) {
  main.append(h("p", {}, h("a", { href: "#/reports" }, "All reports")));
  try {
    const report = await get(`/v1/admin/reports/${name}`);
    main.append(h("h1", {}, report.name));
    if (report.unreadable) main.append(h("p", { class: "why", role: "alert" }, report.unreadable));
    main.append(h("dl", { class: "tiles" }, report.figures.map(({ label, value, note }) => h("div", {}, h("dt", {}, label), h("dd", {}, value, h("small", {}, note))))));
    if (report.has_page) main.append(h("p", {}, h("button", { type: "button", onclick: () => download(report.name) }, "Download the page of this run")));
    if (report.curves.length) main.append(h("h2", {}, "Curves"), h("div", { class: "plots" }, report.curves.map(plot)));
    if (report.all_figures.length) {
      main.append(h("h2", {}, "All figures"), scrolls("All figures", heads(["Figure", "Value", "Interval"]),
        h("tbody", {}, report.all_figures.map(({ label, value, note }) => h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, value), h("td", {}, note))))));
    }
    if (report.slices.length) {
      main.append(h("h2", {}, "Kinds and tags"), scrolls("Kinds and tags", heads(["Part", "Questions", "Ended well", "F1"]), h("tbody", {}, report.slices.map((part) =>
        h("tr", {}, h("th", { scope: "row" }, part.name), h("td", {}, String(part.questions)),
          h("td", {}, `${percent(part.success)} (${percent(part.success_low)} to ${percent(part.success_high)})`), h("td", {}, percent(part.f1)))))));
    }
    main.append(h("details", {}, h("summary", {}, "What it was made with"), h("pre", { class: "text", tabindex: "0" }, JSON.stringify(report.card, null, 2))));
    if (main.isConnected) entitle(report.name);
  } catch (error) { main.append(h("h1", {}, "Report"), failure(error)); }
}

/** Saves the page that a run has. It is not shown inside this one, whose policy lets no styles of others in. */
async function download(name) {
  try {
    const url = URL.createObjectURL(new Blob([await text(`/v1/admin/reports/${encodeURIComponent(name)}/page`)], { type: "text/html" }));
    h("a", { href: url, download: `${name}.html` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) { notice(error.message, true); }
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A figure over the steps of a run; where there is no number the line has a gap. */
function plot({ name, steps, values }) {
  const numbers = values.filter((value) => value !== null);
  // A long run has more steps than a call takes arguments.
  const [low, high] = numbers.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const x = (step) => 4 + (WIDTH - 8) * ((step - steps[0]) / (steps.at(-1) - steps[0] || 1));
  const y = (value) => HEIGHT - 4 - (HEIGHT - 8) * ((value - low) / (high - low || 1));
  let path = "";
  values.forEach((value, at) => { if (value !== null) path += `${at && values[at - 1] !== null ? "L" : "M"}${x(steps[at]).toFixed(1)} ${y(value).toFixed(1)}`; });
  const words = numbers.length ? `${name.replaceAll("_", " ")}: from ${numbers[0]} to ${numbers.at(-1)}, lowest ${low}, highest ${high}` : `${name}: no number`;
  const line = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words, class: "plot" }, svg("path", { d: path, fill: "none" }));
  return h("figure", {}, line, h("figcaption", {}, words));
}
