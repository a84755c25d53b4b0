"""Uploads a document, asks about it, checks the footnotes, says something about the answer, and deletes the document.

    python3 client.py FILE QUESTION

Only the standard library of Python 3.9 or newer. FOOTNOTE_URL names the server (http://127.0.0.1:8642 when it is not set),
FOOTNOTE_API_KEY the key, where one is needed. What was seen is printed as JSON.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("FOOTNOTE_URL", "http://127.0.0.1:8642").rstrip("/")
KEY = os.environ.get("FOOTNOTE_API_KEY")
# How long an answer may take: a little longer than the server's own limit.
TIMEOUT = 320
# How often a request is sent again that was refused because the server has too much to do.
TRIES = 6


class Problem(Exception):
    """What the server says is wrong, as RFC 9457 has it."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body.get('detail', 'no reason was given')}")
        self.status = status
        self.kind = body.get("type", "")


def send(method, path, body=None, content_type="application/json"):
    """Sends a request and returns the open response. What is refused for a while (429, 503) is sent again."""
    headers = {"accept": "application/json, text/event-stream"}
    if KEY:
        headers["authorization"] = f"Bearer {KEY}"
    if body is not None:
        headers["content-type"] = content_type
    for attempt in range(1, TRIES + 1):
        request = urllib.request.Request(URL + path, data=body, headers=headers, method=method)
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
                wait = error.headers.get("retry-after")
            try:
                problem = Problem(error.code, json.loads(text))
            except ValueError:
                problem = Problem(error.code, {"detail": text.decode("utf-8", "replace")})
            if error.code not in (429, 503) or wait is None or attempt == TRIES:
                raise problem from None
            print(f"{problem}; trying again in {wait} s", file=sys.stderr)
            time.sleep(int(wait))


def call(method, path, body=None):
    """Sends a request with a JSON body and returns the JSON of the answer."""
    data = None if body is None else json.dumps(body).encode()
    with send(method, path, data) as response:
        return json.load(response)


def events(method, path, body=None):
    """The server-sent events of a response: name and data."""
    data = None if body is None else json.dumps(body).encode()
    with send(method, path, data) as response:
        name, lines = "message", []
        for line in response:
            line = line.decode().rstrip("\r\n")
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                lines.append(line[5:].lstrip(" "))
            elif not line:
                if lines:
                    yield name, json.loads("\n".join(lines))
                name, lines = "message", []


def upload(path):
    """Uploads a file; the entry of the document that it is."""
    boundary = uuid.uuid4().hex
    name = os.path.basename(path).replace('"', "%22")
    with open(path, "rb") as file:
        content = file.read()
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    form = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    with send("POST", "/v1/documents", form, f"multipart/form-data; boundary={boundary}") as response:
        return json.load(response)["documents"][0]


def wait_for(job_id):
    """Follows a job to its end."""
    job = {}
    for name, job in events("GET", f"/v1/jobs/{job_id}/events"):
        if name == "problem":
            raise Problem(job.get("status", 500), job)
    if job.get("state") != "succeeded":
        raise SystemExit(f"{job_id} ended as {job.get('state')}: {job.get('error')}")


def ask_streamed(question):
    """Asks, and joins the sentences as they come; the answer so far, and the outcome."""
    said, outcome = "", None
    for name, data in events("POST", "/v1/ask", {"question": question, "stream": True}):
        if name == "sentence":
            said += data["text"]
        elif name == "problem":
            raise Problem(data["status"], data)
        elif name == "outcome":
            outcome = data
    if outcome is None:
        raise SystemExit("the stream ended before the outcome: ask again")
    return said, outcome


def check(outcome):
    """Compares every quote, byte for byte, with the stored text at its offsets, which count code points."""
    for citation in outcome["citations"]:
        stored = call("GET", f"/v1/documents/{citation['document_id']}/text")
        there = stored["text"][citation["source_start"] : citation["source_end"]]
        # A quote in which something was blacked out by policy is not what is stored.
        if there.encode() != citation["quote"].encode() and not outcome.get("redacted"):
            raise SystemExit(f"not in the source: {citation['quote']!r}")
    return len(outcome["citations"])


def main(path, question):
    document = upload(path)
    wait_for(document["job_id"])
    outcome = call("POST", "/v1/ask", {"question": question})
    said, streamed = ask_streamed(question)
    checked = check(outcome) + check(streamed)
    verdict = {"verdict": "right", "comment": "from client.py"}
    feedback = call("POST", f"/v1/answers/{outcome['id']}/feedback", verdict)
    deleted = call("DELETE", f"/v1/documents/{document['document_id']}")
    wait_for(deleted["job_id"])
    seen = {
        "outcome": outcome["outcome"],
        "answer": outcome["answer"],
        "streamed": said,
        "checked": checked,
        "feedback": feedback["verdict"],
        "deleted": deleted["document_id"],
    }
    print(json.dumps(seen, ensure_ascii=False))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except Problem as problem:
        hint = " (set FOOTNOTE_API_KEY)" if problem.status == 401 else ""
        raise SystemExit(f"{problem}{hint}")
