// The web page when things go wrong or happen at once: WEB, the folder of its files. Says as JSON what was seen.
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { QUOTE, TEXT, citation, document, held, id, job, outcome, problem, range, sentence, serve, stream, version } from "./stub.mjs";

const said = { errors: [] };
const asks = [];
let progress = 0;
let refuseJobs = false;
let [slowFeedback, slowReindex] = [held(), held()];
let uploads = [];
const paged = (name, count, of) => ({ query }) => {
  const [from, limit] = [Number(query.cursor ?? 0), Number(query.limit)];
  return { [name]: range(Math.min(limit, count - from), (at) => of(from + at)), ...(from + limit < count && { next_cursor: String(from + limit) }) };
};
const server = await serve(process.argv[2], {
  "POST /v1/ask": (call) => { asks.push(call); },
  "GET /v1/collections": () => ({ collections: [] }),
  "GET /v1/documents": paged("documents", 150, document),
  "GET /v1/documents/doc_1": () => document(1),
  "GET /v1/documents/doc_1/text": () => ({ text: TEXT, version: 1, warnings: [] }),
  "POST /v1/documents": (call) => uploads.shift()(call),
  "GET /v1/jobs": (call) => {
    if (refuseJobs) return problem(call.response, 429, "the API key has had its share", { "retry-after": "7" });
    if (call.query.kind === "reindex") return { jobs: [job(900, { kind: "reindex", state: "running" })] };
    if (call.query.kind === "ingest") return { jobs: [job(1, { state: "failed", error: "no PDF begins so" })] };
    progress += 0.01;
    return paged("jobs", 250, (at) => job(at, at === 0 ? { progress } : {}))(call);
  },
  "GET /v1/jobs/job_1/events": ({ response }) => { stream(response)("problem", { status: 503, detail: "the database does not answer: try again" }); response.end(); },
  "GET /v1/feedback": async ({ query }) => {
    if (!query.verdict) await slowFeedback.wait;
    const verdict = query.verdict ?? "right";
    return { feedback: [{ id: "fb_1", question: `said to be ${verdict}`, verdict, outcome: "answered", given_at: version.created_at }] };
  },
  "POST /v1/admin/reindex": async () => { await slowReindex.wait; return { job: job(901, { kind: "reindex" }), generations: [] }; },
  [`GET /v1/admin/reindex/job_${id(900)}`]: () => ({ job: job(900, { kind: "reindex", progress: 0.5 }), generations: [] }),
  "GET /v1/admin/adapters": () => ({ loaded: [], adapters: [] }),
  "GET /v1/admin/reports/long": () => ({ name: "long", figures: [], all_figures: [], slices: [], card: {}, curves: [{ name: "loss", steps: range(200_000, (at) => at), values: range(200_000, (at) => at % 7) }] }),
});

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage();
page.setDefaultTimeout(60_000);
page.on("pageerror", (error) => said.errors.push(error.message));

/** Waits until something that the stub sees is so: each look is a way to the browser and back. */
async function until(holds) {
  for (const end = Date.now() + 60_000; !holds();) {
    if (Date.now() > end) throw new Error(`it never was so: ${holds}`);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}
const here = (selector) => page.waitForFunction((selector) => document.querySelector(selector), selector);
const words = (selector) => page.evaluate((selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent), selector);
const click = (selector) => page.evaluate((selector) => document.querySelector(selector).click(), selector);
const count = (selector, number) => page.waitForFunction(([selector, number]) => document.querySelectorAll(selector).length === number, [selector, number]);
const holds = (selector, text) => page.waitForFunction(([selector, text]) => document.querySelector(selector)?.textContent.includes(text), [selector, text]);
const go = (name) => page.evaluate((name) => { location.hash = name; }, name);
const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.textContent);

/** Asks, and waits until the stub has the question. */
async function ask(text) {
  const before = asks.length;
  await page.evaluate((text) => { const field = document.getElementById("question"); field.value = text; field.form.requestSubmit(); }, text);
  await until(() => asks.length > before);
  return asks.at(-1);
}
function end(call, more) {
  const event = call.event ?? stream(call.response);
  event("outcome", outcome(more));
  call.response.end();
}
const asksAgain = () => page.waitForFunction(() => !document.querySelector(".ask-form .first").disabled);

await page.goto(server.url);
await here("#question");

// A conversation that is left while its question is answered does not come back.
let call = await ask("first");
await page.evaluate(() => [...document.querySelectorAll("button")].find((one) => one.textContent === "New conversation").click());
await until(() => call.isGone);
call = await ask("second");
said.second = [call.body.store, call.body.conversation_id ?? null];
end(call, { answer: "Which one?\n1. a\n2. b", outcome: "clarify", clarify: ["a", "b"], conversation_id: "con_2" });
await count(".choices button", 2);
await asksAgain();

// Of readings that are chosen at once, the first is asked.
const before = asks.length;
await page.evaluate(() => { for (const one of [0, 0, 1]) document.querySelectorAll(".choices button")[one].click(); });
await until(() => asks.length > before);
call = asks.at(-1);
said.chosen = [call.body.question, call.body.conversation_id, call.body.store ?? null];

// A source that is read while the answer goes on keeps the focus, and has its mark where the quote stands.
call.event = stream(call.response);
call.event("stage", { event: "stage", stage: "generate" });
call.event("sentence", sentence);
await here(".note-mark");
await click(".note-mark");
await here("aside.source pre mark");
end(call, { citations: [citation], wording: "quoted" });
await asksAgain();
said.asked_once = asks.length - before;
said.focus = await focused();
said.marked = await words("aside.source mark");
[said.around] = await words("aside.source pre");
said.quoted = (await words(".turn .facts"))[0];
await page.keyboard.press("Escape");
said.back = await focused();

// What is answered while another page is shown is there afterwards.
call = await ask("third");
await go("#/documents");
await count("main tbody tr", 100);
end(call, { answer: "It is there." });
await page.keyboard.press("/");
await holds(".answer", "It is there.");
said.turns = await words(".asked");
said.slash = await focused();

// A stream that breaks, a refusal, and a question that is longer than is taken.
call = await ask("fourth");
stream(call.response)("sentence", sentence);
await holds(".answer", QUOTE);
call.response.destroy();
await asksAgain();
said.broken = [(await words(".turn .why"))[0], await page.evaluate(() => document.getElementById("question").value)];
call = await ask("fifth");
problem(call.response, 429, "2 questions are waiting already", { "retry-after": "5" });
await asksAgain();
call = await ask("sixth");
problem(call.response, 401, "send an API key");
await asksAgain();
said.refused = (await words(".turn .why")).slice(0, 2);
await page.evaluate(() => { document.getElementById("question").value = ""; document.getElementById("question").focus(); });
await page.keyboard.insertText("é".repeat(5000));
await page.evaluate(() => document.querySelector(".ask-form").requestSubmit());
await until(() => asks.at(-1).body.question.startsWith("é"));
said.long = asks.at(-1).body.question.length;
end(asks.at(-1), { answer: "No." });
await asksAgain();

// The link to the content leads there, and not to another page.
await go("#/documents");
await count("main tbody tr", 100);
await click(".skip");
said.skip = [await page.evaluate(() => location.hash), await focused()];
// Two clicks are one page.
const read = server.times("GET /v1/documents");
await page.evaluate(() => { const more = [...document.querySelectorAll("main button")].find((one) => one.textContent === "More"); more.focus(); more.click(); more.click(); });
await count("main tbody tr", 150);
said.more = [server.times("GET /v1/documents") - read, await focused()];

// An upload that is refused while another page is shown says so afterwards, and can be sent again.
const file = join(tmpdir(), "footnote-page-upload.txt");
writeFileSync(file, "hello");
const slow = held();
uploads = [
  async ({ response }) => { await slow.wait; problem(response, 413, "the file is too large"); },
  () => ({ documents: [{ document_id: "doc_1", name: "a", version: 1, job_id: "job_1", status: "queued", duplicate: false }] }),
];
await page.setInputFiles("#files", file);
await until(() => server.times("POST /v1/documents") === 1);
await go("#/collections");
await here("main tbody td");
slow.release();
await go("#/documents");
await holds("main .drop + div .why", "the file is too large");
await click("main .drop + div button");
await holds("main .drop + div .why", "the database does not answer");
[said.followed] = await words("main .drop + div .why");

// Why a version failed stands on its document, whose name is the window's.
await go("#/documents/doc_1");
await holds("main .why", "no PDF begins so");
said.title = await page.evaluate(() => document.title);

// The jobs: the focus stays while they change, all of them can be reached, and a refusal is no end.
await go("#/jobs");
await count("main tbody tr", 100);
await page.evaluate(() => document.querySelector("main tbody button").focus());
const bar = await page.evaluate(() => document.querySelector("main progress").value);
await page.waitForFunction((bar) => document.querySelector("main progress").value > bar, bar);
said.job_focus = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
for (const rows of [200, 250]) {
  await page.evaluate(() => [...document.querySelectorAll("main button")].find((one) => one.textContent === "More").click());
  await count("main tbody tr", rows);
}
refuseJobs = true;
const choose = (selector, value) => page.evaluate(([selector, value]) => { const one = document.querySelector(selector); one.value = value; one.dispatchEvent(new Event("change")); }, [selector, value]);
await choose("#only", "running");
await holds("main .why", "had its share");
refuseJobs = false;
await choose("#only", "");
await page.waitForFunction(() => document.querySelector("main .why").textContent === "");
said.jobs_left = (await words("main tbody tr")).length;

// Of two wishes the newer is shown, whichever is answered first.
await go("#/feedback");
await until(() => server.times("GET /v1/feedback") === 1);
await choose("#only", "wrong");
await holds("main tbody", "said to be wrong");
const first = server.asked.find((call) => call.what === "GET /v1/feedback");
slowFeedback.release();
await until(() => first.response.writableFinished);
await page.evaluate(() => fetch("/v1/collections").then((response) => response.json()));
said.filtered = (await words("main tbody tr"))[0];

// A reindex that runs is followed, and one that begins when the page is left already is not.
await go("#/index");
await holds("main [role=status]", "running embed");
said.reindex = await page.evaluate(() => document.querySelector("main progress").value);
await click("main button.first");
await until(() => server.times("POST /v1/admin/reindex") === 1);
await go("#/jobs");
await here("main tbody td");
slowReindex.release();
const polls = server.times("GET /v1/jobs");
await until(() => server.times("GET /v1/jobs") > polls + 1);
said.leaked = server.times(`GET /v1/admin/reindex/job_${id(901)}`);

// A curve of many steps, and addresses that lead nowhere.
await go("#/reports/long");
await here("svg.plot");
[said.curve] = await words("figcaption");
await go("#/reports/%");
await holds("main h1", "Report");
await go("#/toString");
await here("#question");

// A key that no header takes is not taken, and another key does not see what this one has asked.
await click("#key");
const type = (text) => page.evaluate((text) => { const one = document.getElementById("key-input"); one.value = text; one.dispatchEvent(new Event("input")); one.form.requestSubmit(); }, text);
await type("ключ");
said.bad_key = await page.evaluate(() => Boolean(document.querySelector("dialog[open]")));
await type("fn_key");
await count("dialog", 0);
said.forgotten = await words(".turn");
await browser.close();
server.close();
console.log(JSON.stringify(said));
