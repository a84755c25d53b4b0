// A server that has the files of the page and as much of the API as a script says: what it answers can be held back, broken
// off and refused, which the real one does not do when it is asked to.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const KINDS = { html: "text/html; charset=utf-8", css: "text/css", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" };
/** The same as the real one sends. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `routes` has handlers by method and path: each gets what was asked for and answers, with JSON where it returns something. */
export async function serve(folder, routes) {
  /** What was asked of the API, in order. */
  const asked = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://stub");
    const name = url.pathname === "/" ? "index.html" : url.pathname.startsWith("/web/") && url.pathname.slice(5);
    if (name) {
      response.writeHead(200, { "content-type": KINDS[name.split(".").at(-1)], "content-security-policy": POLICY });
      response.end(readFileSync(join(folder, name)));
      return;
    }
    const pieces = [];
    try { for await (const piece of request) pieces.push(piece); } catch { return; } // Who asked has left.
    const text = Buffer.concat(pieces).toString();
    const body = request.headers["content-type"] === "application/json" ? JSON.parse(text) : text;
    const call = { what: `${request.method} ${url.pathname}`, query: Object.fromEntries(url.searchParams), body, response, isGone: false };
    response.on("close", () => { call.isGone = !response.writableEnded; });
    asked.push(call);
    const handler = routes[call.what];
    const answer = handler ? await handler(call) : problem(response, 404, `the stub has no ${call.what}`);
    if (answer !== undefined && !response.destroyed) send(response, 200, answer);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const times = (what) => asked.filter((call) => call.what === what).length;
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, times, close: () => { server.closeAllConnections(); server.close(); } };
}

function send(response, status, body, more = {}) {
  response.writeHead(status, { "content-type": status < 300 ? "application/json" : "application/problem+json", ...more });
  response.end(JSON.stringify(body));
}

export function problem(response, status, detail, more) {
  send(response, status, { type: "urn:footnote:problem:stub", title: "A problem", status, detail }, more);
}

/** Begins a stream; what it returns sends an event. */
export function stream(response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  return (name, data) => response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** Something that waits until `release` is called. */
export function held() {
  let release;
  const wait = new Promise((resolve) => { release = resolve; });
  return { wait, release };
}

/** An outcome of which the rest is said. */
export function outcome(more) {
  return {
    id: "ans_1", outcome: "answered", answer: "", confidence: 0.9, citations: [], actions: [], conversation_id: "con_1",
    question: { original: "q", interpreted: "q", kind: "question", corrections: [], parts: [] },
    model: { generator: "stub", embedder: "stub", index: 1 }, usage: {}, timings_ms: { total: 12 }, ...more,
  };
}

export const range = (count, of) => Array.from({ length: count }, (_, at) => of(at));
export const id = (at) => String(at).padStart(32, "0");

// An emoji is two units and one code point, and a letter with a mark is two of both.
export const QUOTE = "The café 🍰 opens at noon.";
export const TEXT = `${"🎈 ".repeat(1000)}cafe\u0301 🍰\n${QUOTE}\nAfter it.`;
const start = Array.from(TEXT.slice(0, TEXT.indexOf(QUOTE))).length;
export const citation = { document_id: "doc_1", name: "café.md", version: 1, page: null, heading: "Hours", quote: QUOTE, source_start: start, source_end: start + Array.from(QUOTE).length };
export const sentence = { text: QUOTE, citations: [citation] };

export const version = { version: 2, state: "failed", sha256: "0", size_bytes: 5, created_at: "2026-01-01T00:00:00Z" };
export const document = (at) => ({ id: `doc_${at}`, name: `document ${at}`, collection: "default", metadata: {}, access: [], created_at: version.created_at, updated_at: version.created_at,
  active: { ...version, version: 1, state: "active" }, latest: version });
export const job = (at, more) => ({ id: `job_${id(at)}`, kind: "ingest", document_id: "doc_1", version: 2, state: "running", stage: "embed", progress: 0.1, attempts: 1, max_attempts: 3, error: null,
  created_at: version.created_at, updated_at: version.created_at, ...more });
