#!/usr/bin/env bash
# Makes the Python package `footnote_client` out of the OpenAPI document of a running server, in this folder.
set -euo pipefail
curl --fail --silent --show-error --output openapi.json "${FOOTNOTE_URL:-http://127.0.0.1:8642}/openapi.json"
python3 -m openapi_python_client generate --path openapi.json --meta none --output-path footnote_client --overwrite
