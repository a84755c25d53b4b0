"""Asks a server through LangChain, and says as JSON what came: BASE_URL QUESTION UNRELATED."""

import json
import sys

from langchain_openai import ChatOpenAI, OpenAIEmbeddings

base_url, question, _ = sys.argv[1:]
model = ChatOpenAI(base_url=base_url, api_key="none", model="footnote", max_retries=0)
said = {"plain": model.invoke(question).text, "streamed": "".join(part.text for part in model.stream(question))}
embedder = ChatOpenAI(base_url=base_url, api_key="none", model="footnote").root_client.models.list().data[-1].id
# It would send numbers of another tokenizer instead of the text.
embeddings = OpenAIEmbeddings(base_url=base_url, api_key="none", model=embedder, check_embedding_ctx_length=False)
said["dimension"] = len(embeddings.embed_query(question))
print(json.dumps(said))
