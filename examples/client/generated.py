"""The same over a client that was generated from the OpenAPI document: typed, with a function for each operation.

    python3 generated.py FILE QUESTION

`footnote_client` is generated, as the page "Clients" of the handbook shows. What was seen is printed as JSON.
"""

import json
import os
import sys
import time
from pathlib import Path

import httpx
from footnote_client import AuthenticatedClient, Client
from footnote_client.api.ask import ask
from footnote_client.api.documents import delete_document, read_document_text, upload_documents
from footnote_client.api.feedback import give_feedback
from footnote_client.api.jobs import show_job
from footnote_client.models import FeedbackRequest, JobState, Problem, Question, UploadForm, Verdict
from footnote_client.types import File

url = os.environ.get("FOOTNOTE_URL", "http://127.0.0.1:8642")
key = os.environ.get("FOOTNOTE_API_KEY")
# An answer may take as long as the server lets it.
options = {"base_url": url, "timeout": httpx.Timeout(320)}
client = AuthenticatedClient(token=key, **options) if key else Client(**options)


def good(response):
    """What an operation returns when all is well; the server's words otherwise. What is refused for a while is not sent again."""
    if response.parsed is None or isinstance(response.parsed, Problem):
        detail = getattr(response.parsed, "detail", response.content.decode("utf-8", "replace"))
        raise SystemExit(f"{response.status_code.value}: {detail}")
    return response.parsed


def wait_for(job_id):
    """Asks for a job until it has ended: a generated client follows no events."""
    while (job := good(show_job.sync_detailed(job_id, client=client))).state in (JobState.QUEUED, JobState.RUNNING):
        time.sleep(0.2)
    if job.state != JobState.SUCCEEDED:
        raise SystemExit(f"{job_id} ended as {job.state}: {job.error}")


path, question = Path(sys.argv[1]), sys.argv[2]
with path.open("rb") as payload:
    form = UploadForm(file=[File(payload=payload, file_name=path.name)])
    document = good(upload_documents.sync_detailed(client=client, body=form)).documents[0]
wait_for(document.job_id)
outcome = good(ask.sync_detailed(client=client, body=Question(question=question)))
for citation in outcome.citations:
    stored = good(read_document_text.sync_detailed(citation.document_id, client=client))
    assert stored.text[citation.source_start : citation.source_end] == citation.quote, citation
verdict = FeedbackRequest(verdict=Verdict.RIGHT, comment="from generated.py")
feedback = good(give_feedback.sync_detailed(outcome.id, client=client, body=verdict))
deleted = good(delete_document.sync_detailed(document.document_id, client=client))
wait_for(deleted.job_id)
seen = {
    "outcome": outcome.outcome.value,
    "answer": outcome.answer,
    "checked": len(outcome.citations),
    "feedback": feedback.verdict.value,
    "deleted": deleted.document_id,
}
print(json.dumps(seen, ensure_ascii=False))
