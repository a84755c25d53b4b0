// Requests to the API of this server. A problem becomes an Error with the words of the server.
import { keep, kept } from "./dom.js";

let key = kept("sessionStorage", "key") ?? "";

/** Keeps the key until the window is closed. */
export function useKey(text) {
  key = text;
  keep("sessionStorage", "key", text);
}

export const hasKey = () => key !== "";

/** How long the answer to a request may take, in milliseconds. */
const PATIENCE = 120_000;
/** How long nothing may come of a stream: the server sends a sign of life every ten seconds. */
const SILENCE = 35_000;
/** How long nothing may go of an upload, or come back when all of it has gone. */
const STALLED = 300_000;

export class Problem extends Error {
  constructor(body, status, retryAfter) {
    const again = retryAfter ? ` (in ${retryAfter} s)` : "";
    const where = status === 401 ? " (on this page: “API key”, at the top)" : "";
    super((body?.detail ?? `the server answered ${status}`) + again + where);
    this.status = status;
    /** In how many seconds the same may succeed. */
    this.retryAfter = Number(retryAfter) || 0;
  }
}

/** What did not come to an answer of the server. */
const away = (detail) => new Problem({ detail }, 0);
const NO_ANSWER = "the server does not answer: try again";

const headers = (more) => ({ ...(key && { authorization: `Bearer ${key}` }), ...more });

async function problem(response) {
  const body = await response.json().catch(() => null);
  return new Problem(body, response.status, response.headers.get("retry-after"));
}

async function request(path, options, read) {
  let response;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
    if (response.ok) return await read(response);
  } catch { throw away(NO_ANSWER); }
  throw await problem(response);
}

const json = (response) => response.json();
export const get = (path) => request(path, { headers: headers() }, json);
export const text = (path) => request(path, { headers: headers() }, (response) => response.text());
export const remove = (path) => request(path, { method: "DELETE", headers: headers() }, json);
export const post = (path, body) => request(path,
  { method: "POST", headers: headers({ "content-type": "application/json" }), body: JSON.stringify(body) }, json);

/** Uploads one file, and tells how much of it has gone. */
export function upload(file, collection, onProgress) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("collection", collection);
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    let timer;
    const alive = () => { clearTimeout(timer); timer = setTimeout(() => request.abort(), STALLED); };
    request.open("POST", "/v1/documents");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => { alive(); if (event.lengthComputable) onProgress(event.loaded / event.total); };
    // A browser says the same of a folder, of a file that has changed and of a server that is not there.
    request.onerror = async () => reject(away(await isReadable(file) ? NO_ANSWER : "it cannot be read: it is a folder, or it has changed, moved or may not be read; choose files"));
    request.onabort = () => reject(away(NO_ANSWER));
    request.onload = () => {
      let body = null;
      try { body = JSON.parse(request.responseText); } catch { /* said below */ }
      const taken = request.status < 300 && body?.documents?.[0];
      if (taken) resolve(taken);
      else reject(new Problem(body, request.status, request.getResponseHeader("retry-after")));
    };
    request.onloadend = () => clearTimeout(timer);
    request.send(form);
    alive();
  });
}

const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

/**
 * Server-sent events of a request, each as [name, data]. A `problem` among them is thrown, and so is a connection that
 * breaks or falls silent. It ends when `signal` is aborted, and the request ends when nobody wants its events any more.
 */
export async function* events(path, { body, signal } = {}) {
  const ending = new AbortController();
  const end = () => ending.abort();
  let timer;
  const alive = () => { clearTimeout(timer); timer = setTimeout(end, SILENCE); };
  signal?.addEventListener("abort", end);
  const more = body ? { "content-type": "application/json" } : {};
  const options = { method: body ? "POST" : "GET", headers: headers(more), body: body && JSON.stringify(body), signal: ending.signal };
  let response;
  try {
    alive();
    response = await fetch(path, options);
    if (!response.ok) throw await problem(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      buffer += value;
      let at;
      while ((at = buffer.indexOf("\n\n")) >= 0) {
        const event = parsed(buffer.slice(0, at));
        buffer = buffer.slice(at + 2);
        if (event?.[0] === "problem") throw new Problem(event[1], event[1].status);
        if (event) yield event;
      }
    }
  } catch (error) {
    if (signal?.aborted) return;
    if (error instanceof Problem) throw error;
    throw away(response ? "the connection to the server broke" : NO_ANSWER);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    end();
  }
}

/** The lines of an event; nothing of a sign of life. */
function parsed(event) {
  const lines = event.split("\n");
  const field = (name) => lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trimStart());
  const data = field("data:").join("\n");
  return data ? [field("event:")[0] ?? "message", JSON.parse(data)] : null;
}
