"""Asks a server with the official Python client, and says as JSON what came: BASE_URL QUESTION UNRELATED."""

import json
import sys

from openai import NotFoundError, OpenAI

base_url, question, unrelated = sys.argv[1:]
client = OpenAI(base_url=base_url, api_key="none", max_retries=0)


def chat(text, **options):
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="footnote", messages=messages, **options)


said = {}
answer = chat(question)
message = answer.choices[0].message
said["plain"] = {
    "content": message.content,
    "annotations": [annotation.model_dump() for annotation in message.annotations],
    "outcome": answer.footnote["outcome"]["outcome"],
}

content, annotations, outcome = "", [], None
for chunk in chat(question, stream=True, stream_options={"include_usage": True}):
    for choice in chunk.choices:
        content += choice.delta.content or ""
        annotations += getattr(choice.delta, "annotations", None) or []
    if getattr(chunk, "footnote", None):
        outcome = chunk.footnote["outcome"]["outcome"]
said["streamed"] = {"content": content, "annotations": annotations, "outcome": outcome}

said["abstained"] = chat(unrelated, extra_body={"footnote": {"top_k": 3}}).footnote["outcome"]["outcome"]
try:
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
except NotFoundError as error:
    said["refused"] = error.message
said["models"] = [model.id for model in client.models.list()]
embedder = client.models.retrieve(said["models"][-1]).id
said["dimension"] = len(client.embeddings.create(model=embedder, input=[question]).data[0].embedding)
print(json.dumps(said))
