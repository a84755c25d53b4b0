#!/usr/bin/env bash
# Makes the types `footnote.d.ts` out of the OpenAPI document of a running server, and compiles what uses them.
set -euo pipefail
curl --fail --silent --show-error --output openapi.json "${FOOTNOTE_URL:-http://127.0.0.1:8642}/openapi.json"
npx openapi-typescript openapi.json --output footnote.d.ts
npx tsc --strict --target es2022 --module nodenext --skipLibCheck generated.mts
