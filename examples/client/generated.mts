// The same over types that were generated from the OpenAPI document: paths, bodies and answers are checked by the compiler.
//
//     node generated.mjs FILE QUESTION
//
// `footnote.d.ts` is generated, as the page "Clients" of the handbook shows. What was seen is printed as JSON.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./footnote.js";

type Problem = components["schemas"]["Problem"];

const key = process.env.FOOTNOTE_API_KEY;
const client = createClient<paths>({
  baseUrl: process.env.FOOTNOTE_URL ?? "http://127.0.0.1:8642",
  headers: key ? { authorization: `Bearer ${key}` } : {},
});

/** What an operation returns when all is well; the server's words otherwise. What is refused for a while is not sent again. */
function good<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T {
  if (data === undefined) throw new Error(`${response.status}: ${(error as Problem | undefined)?.detail}`);
  return data;
}

/** Asks for a job until it has ended: a generated client follows no events. */
async function waitFor(id: string) {
  for (;;) {
    const job = good(await client.GET("/v1/jobs/{id}", { params: { path: { id } } }));
    if (job.state === "succeeded") return;
    if (job.state !== "queued" && job.state !== "running") throw new Error(`${id} ended as ${job.state}: ${job.error}`);
    await sleep(200);
  }
}

const [path = "", question = ""] = process.argv.slice(2);
const content = await readFile(path);
const uploaded = good(await client.POST("/v1/documents", {
  body: { file: [] },
  bodySerializer: () => {
    const form = new FormData();
    form.append("file", new Blob([content]), basename(path));
    return form;
  },
}));
const [document] = uploaded.documents;
if (!document) throw new Error("nothing was taken");
await waitFor(document.job_id);
const outcome = good(await client.POST("/v1/ask", { body: { question } }));
// The document says that it may be a stream of events, which was not asked for.
if ("event" in outcome) throw new Error("the answer is no outcome");
for (const citation of outcome.citations) {
  const stored = good(await client.GET("/v1/documents/{id}/text", { params: { path: { id: citation.document_id } } }));
  const there = Array.from(stored.text).slice(citation.source_start, citation.source_end).join("");
  if (there !== citation.quote) throw new Error(`not in the source: ${citation.quote}`);
}
const feedback = good(await client.POST("/v1/answers/{id}/feedback", {
  params: { path: { id: outcome.id } }, body: { verdict: "right", comment: "from generated.mts" },
}));
const deleted = good(await client.DELETE("/v1/documents/{id}", { params: { path: { id: document.document_id } } }));
await waitFor(deleted.job_id);
console.log(JSON.stringify({
  outcome: outcome.outcome, answer: outcome.answer, checked: outcome.citations.length, feedback: feedback.verdict, deleted: deleted.document_id,
}));
