// Uploads a document, asks about it, checks the footnotes, says something about the answer, and deletes the document.
//
//     node client.mjs FILE QUESTION
//
// Only what Node 20 or newer has. FOOTNOTE_URL names the server (http://127.0.0.1:8642 when it is not set), FOOTNOTE_API_KEY
// the key, where one is needed. What was seen is printed as JSON.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const URL_OF_SERVER = (process.env.FOOTNOTE_URL ?? "http://127.0.0.1:8642").replace(/\/+$/, "");
const KEY = process.env.FOOTNOTE_API_KEY;
/** How long an answer may take, in milliseconds: a little longer than the server's own limit. */
const TIMEOUT = 320_000;
/** How often a request is sent again that was refused because the server has too much to do. */
const TRIES = 6;

/** What the server says is wrong, as RFC 9457 has it. */
class Problem extends Error {
  constructor(status, body) {
    super(`${status}: ${body?.detail ?? "no reason was given"}`);
    this.status = status;
    this.kind = body?.type ?? "";
  }
}

/** Sends a request and returns the response. What is refused for a while (429, 503) is sent again. */
async function send(method, path, body, headers = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(URL_OF_SERVER + path, {
      method, body, headers: { ...headers, ...(KEY && { authorization: `Bearer ${KEY}` }) }, signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.ok) return response;
    const problem = new Problem(response.status, await response.json().catch(() => null));
    const wait = response.headers.get("retry-after");
    if (![429, 503].includes(response.status) || wait === null || attempt === TRIES) throw problem;
    console.error(`${problem.message}; trying again in ${wait} s`);
    await sleep(Number(wait) * 1000);
  }
}

const json = (body) => (body === undefined ? [undefined, {}] : [JSON.stringify(body), { "content-type": "application/json" }]);

/** Sends a request with a JSON body and returns the JSON of the answer. */
const call = async (method, path, body) => (await send(method, path, ...json(body))).json();

/** The server-sent events of a response: [name, data]. */
async function* events(method, path, body) {
  const response = await send(method, path, ...json(body));
  let buffer = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    buffer += piece;
    for (let end; (end = buffer.indexOf("\n\n")) >= 0; buffer = buffer.slice(end + 2)) {
      const lines = buffer.slice(0, end).split("\n");
      const field = (name) => lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trimStart());
      const data = field("data:").join("\n");
      if (data) yield [field("event:")[0] ?? "message", JSON.parse(data)];
    }
  }
}

/** Uploads a file; the entry of the document that it is. */
async function upload(path) {
  const form = new FormData();
  form.append("file", new Blob([await readFile(path)]), basename(path));
  return (await (await send("POST", "/v1/documents", form)).json()).documents[0];
}

/** Follows a job to its end. */
async function waitFor(id) {
  let job;
  for await (const [name, data] of events("GET", `/v1/jobs/${id}/events`)) {
    if (name === "problem") throw new Problem(data.status, data);
    job = data;
  }
  if (job?.state !== "succeeded") throw new Error(`${id} ended as ${job?.state}: ${job?.error}`);
}

/** Asks, and joins the sentences as they come; the answer so far, and the outcome. */
async function askStreamed(question) {
  let said = "";
  for await (const [name, data] of events("POST", "/v1/ask", { question, stream: true })) {
    if (name === "sentence") said += data.text;
    else if (name === "problem") throw new Problem(data.status, data);
    else if (name === "outcome") return { said, outcome: data };
  }
  throw new Error("the stream ended before the outcome: ask again");
}

/** Compares every quote, byte for byte, with the stored text at its offsets, which count code points. */
async function check({ citations, redacted }) {
  for (const citation of citations) {
    const stored = await call("GET", `/v1/documents/${citation.document_id}/text`);
    const there = Array.from(stored.text).slice(citation.source_start, citation.source_end).join("");
    // A quote in which something was blacked out by policy is not what is stored.
    if (!Buffer.from(there).equals(Buffer.from(citation.quote)) && !redacted) throw new Error(`not in the source: ${citation.quote}`);
  }
  return citations.length;
}

async function main(path, question) {
  const document = await upload(path);
  await waitFor(document.job_id);
  const outcome = await call("POST", "/v1/ask", { question });
  const { said, outcome: streamed } = await askStreamed(question);
  const checked = (await check(outcome)) + (await check(streamed));
  const feedback = await call("POST", `/v1/answers/${outcome.id}/feedback`, { verdict: "right", comment: "from client.mjs" });
  const deleted = await call("DELETE", `/v1/documents/${document.document_id}`);
  await waitFor(deleted.job_id);
  console.log(JSON.stringify({
    outcome: outcome.outcome, answer: outcome.answer, streamed: said, checked, feedback: feedback.verdict, deleted: deleted.document_id,
  }));
}

main(...process.argv.slice(2, 4)).catch((error) => {
  const hint = error.status === 401 ? " (set FOOTNOTE_API_KEY)" : "";
  console.error(`${error.message}${hint}`);
  process.exitCode = 1;
});
