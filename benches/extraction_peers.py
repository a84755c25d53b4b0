"""Readers of files in Python, as peers of `footnote eval extraction`.

usage: footnote eval extraction --data FOLDER --peer "markitdown=python3 benches/extraction_peers.py markitdown"

The one argument names the reader: `markitdown` (the package `markitdown` with its extras `docx`, `outlook`, `pdf`, `pptx`,
`xls` and `xlsx`; a local conversion, no plugins and no language model) or `pymupdf4llm` (the package of that name
before 2.0, which is empty; it reads PDF, and what else PyMuPDF opens).

One line of JSON asks for a file, {"file": PATH, "output": PATH}: the file is read and its Markdown written to the second
path. The reply is {} or {"error": WHY}.
"""

import contextlib
import json
import os
import sys

# Libraries write to standard output as well, where only replies may stand.
replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def markitdown():
    from markitdown import MarkItDown

    reader = MarkItDown(enable_plugins=False)
    return lambda path: reader.convert_local(path).text_content


def pymupdf4llm():
    import pymupdf4llm as library

    return lambda path: library.to_markdown(path, show_progress=False)


READERS = {"markitdown": markitdown, "pymupdf4llm": pymupdf4llm}

if len(sys.argv) != 2 or sys.argv[1] not in READERS:
    sys.exit(f"usage: extraction_peers.py {' | '.join(READERS)}")
read = READERS[sys.argv[1]]()

for line in sys.stdin:
    asked = json.loads(line)
    said = {}
    try:
        text = read(asked["file"])
        with open(asked["output"], "w", encoding="utf-8", errors="replace", newline="") as output:
            output.write(text)
    except Exception as error:  # Whatever a reader raises, the file was not read.
        said = {"error": f"{type(error).__name__}: {error}"[:500]}
        with contextlib.suppress(FileNotFoundError):
            os.remove(asked["output"])
    json.dump(said, replies)
    replies.write("\n")
    replies.flush()
