// Requests to the API of this server. A problem becomes an Error with the words of the server.

let key = sessionStorage.getItem("key") ?? "";

/** Keeps the key until the window is closed. */
export function useKey(text) {
  key = text;
  sessionStorage.setItem("key", text);
}

export const hasKey = () => key !== "";

export class Problem extends Error {
  constructor(body, status, retryAfter) {
    const again = retryAfter ? ` (in ${retryAfter} s)` : "";
    super((body?.detail ?? `the server answered ${status}`) + again);
    this.status = status;
  }
}

const headers = (more) => ({ ...(key && { authorization: `Bearer ${key}` }), ...more });

async function checked(response) {
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new Problem(body, response.status, response.headers.get("retry-after"));
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Problem({ detail: "the server does not answer" }, 0);
  }
  return checked(response);
}

export const get = async (path) => (await send(path, { headers: headers() })).json();
export const text = async (path) => (await send(path, { headers: headers() })).text();
export const remove = async (path) => (await send(path, { method: "DELETE", headers: headers() })).json();

export async function post(path, body) {
  const options = { method: "POST", headers: headers({ "content-type": "application/json" }), body: JSON.stringify(body) };
  return (await send(path, options)).json();
}

/** Uploads one file, and tells how much of it has gone. */
export function upload(file, collection, onProgress) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("collection", collection);
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/documents");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new Problem({ detail: "the server does not answer" }, 0));
    request.onload = () => {
      let body = null;
      try { body = JSON.parse(request.responseText); } catch { /* said below */ }
      if (request.status < 300) resolve(body.documents[0]);
      else reject(new Problem(body, request.status, request.getResponseHeader("retry-after")));
    };
    request.send(form);
  });
}

/** Server-sent events of a request, each as [name, data]. */
export async function* events(path, body) {
  const more = body ? { "content-type": "application/json" } : {};
  const options = { method: body ? "POST" : "GET", headers: headers(more), body: body && JSON.stringify(body) };
  const response = await send(path, options);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    let end;
    while ((end = buffer.indexOf("\n\n")) >= 0) {
      const lines = buffer.slice(0, end).split("\n");
      buffer = buffer.slice(end + 2);
      const field = (name) => lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trimStart());
      const data = field("data:").join("\n");
      if (data) yield [field("event:")[0] ?? "message", JSON.parse(data)];
    }
  }
}
