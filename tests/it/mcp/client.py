"""Uses every tool with the official Python client, and says as JSON what came.

    http URL KEY QUESTION UNRELATED        a server's /mcp, with a key or none (-)
    stdio PROGRAM ARGUMENTS... -- QUESTION UNRELATED
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import get_default_environment
from mcp.client.streamable_http import streamable_http_client


async def use(client, question, unrelated):
    said = {"tools": sorted(tool.name for tool in (await client.list_tools()).tools)}

    async def call(tool, /, **arguments):
        result = await client.call_tool(tool, arguments)
        return {"text": result.content[0].text, "structured": result.structured_content, "failed": result.is_error}

    said["ingested"] = await call("ingest", name="tides.md", text="# Tides\n\nThe ferry waits for the spring tide.\n")
    said["answer"] = await call("ask", question=question)
    said["abstained"] = await call("ask", question=unrelated, top_k=3)
    said["found"] = await call("search", question="What does the ferry wait for?", top_k=2)
    document = said["ingested"]["structured"]["document"]["document_id"] if not said["ingested"]["failed"] else "doc_0"
    said["read"] = await call("get_document", document_id=document, start=9, length=9)
    said["beyond"] = await call("get_document", document_id=document, start=10_000)
    said["unknown"] = await call("ask", question=question, temperature=1)
    said["broken"] = await call("ingest", name="broken.pdf", text="This is no PDF.")
    return said


async def main():
    form, *rest = sys.argv[1:]
    if form == "http":
        url, key, question, unrelated = rest
        headers = {} if key == "-" else {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=300) as http:
            async with Client(streamable_http_client(url, http_client=http)) as client:
                return await use(client, question, unrelated)
    end = rest.index("--")
    program, *arguments = rest[:end]
    server = StdioServerParameters(command=program, args=arguments, env=get_default_environment())
    async with Client(server, read_timeout_seconds=300) as client:
        return await use(client, *rest[end + 1 :])


print(json.dumps(asyncio.run(main())))
