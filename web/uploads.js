// Uploading: the files that wait, go and are worked on, with live progress and the reason when one fails.
import { events, upload } from "./api.js";
import { h, size, state } from "./dom.js";

/** What is sent, also while another page is shown: what becomes of a file is there to be read when one comes back. */
const sending = h("div", { "aria-live": "polite" });
/** How many files have not arrived yet. */
let open = 0;
/** Shows the list of documents anew, where it is shown. */
let refresh = () => {};

addEventListener("beforeunload", (event) => { if (open) event.preventDefault(); });

/** The place to drop files on, and what becomes of them. What it returns is to be called when the page is left. */
export function uploads(main, collection, changed) {
  refresh = changed;
  const input = h("input", { type: "file", multiple: true, id: "files" });
  const drop = h("div", { class: "drop" }, h("p", {}, "Drop files here, or choose them."), h("label", { for: "files" }, "Files "), input);
  input.addEventListener("change", () => { take([...input.files], collection); input.value = ""; });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); take([...event.dataTransfer.files], collection); });
  main.append(drop, sending);
  return () => {
    refresh = () => {};
    // What has ended was seen.
    for (const one of [...sending.children]) if (one.dataset.ended) one.remove();
  };
}

/** Takes files, one after the other. */
async function take(files, collection) {
  const entries = files.map((file) => entry(file, collection));
  open += entries.length;
  sending.prepend(...entries.map((one) => one.line));
  for (const one of entries) await send(one);
}

function entry(file, collection) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": `Progress of ${file.name}` });
  const said = h("span", {}, "waits");
  return { file, collection, bar, said, line: h("p", {}, `${file.name} (${size(file.size)}) to ${collection} `, bar, " ", said) };
}

/** Uploads a file, and follows its job to the end. */
async function send(one) {
  const { file, collection, bar, said, line } = one;
  said.replaceChildren("sending");
  let taken;
  try {
    taken = await upload(file, collection, (share) => { bar.value = share * 0.3; });
  } catch (error) {
    bar.hidden = true;
    line.dataset.ended = "failed";
    said.replaceChildren(h("span", { class: "why", role: "alert" }, error.message), " ", h("button", { type: "button", "aria-label": `Send ${file.name} again`, onclick: () => {
      bar.hidden = false;
      delete line.dataset.ended;
      open++;
      send(one);
    } }, "Send again"));
    return;
  } finally { open--; }
  try {
    await follow(taken, bar, said);
  } catch (error) {
    said.replaceChildren(h("span", { class: "why", role: "alert" }, `The file has arrived, but cannot be followed: ${error.message}. What becomes of it stands under `, h("a", { href: "#/jobs" }, "Jobs"), "."));
  }
  line.dataset.ended = "taken";
  refresh();
}

async function follow(taken, bar, said) {
  const before = taken.duplicate ? "was there already: " : "";
  for await (const [, job] of events(`/v1/jobs/${taken.job_id}/events`)) {
    bar.value = 0.3 + 0.7 * job.progress;
    said.replaceChildren(before, job.state === "running" ? job.stage : state(job.state));
    if (job.error) said.append(" ", h("span", { class: "why" }, job.error));
    if (["succeeded", "failed", "cancelled"].includes(job.state)) return;
  }
  throw new Error("the connection ended before the job");
}
