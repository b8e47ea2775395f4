"""The official SDKs of many providers, in one environment of their own, and what came of calls that they made.

They are no dependencies of Tracer's, and some would not go with its own. `.sdks/native-…` is made by pip, once; `make clean`
removes it. The calls themselves are in scripts/say.py.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.scale.sdk import KEPT, install

REQUIREMENTS = (
    "anthropic==2.12.0",
    "boto3==1.44.5",
    "cerebras-cloud-sdk==1.91.0",
    "cohere==7.3.1",
    "google-genai==3.4.0",
    "groq==1.7.0",
    "huggingface-hub==2.4.0",
    "mistralai==3.7.0",
    "ollama==0.6.3",
    "openai==3.54.0",
    "together==3.1.1",
    "writer-sdk==3.0.0",
)
_SAY = Path(__file__).with_name("scripts") / "say.py"


@cache
def python() -> Path:
    """The interpreter that has them all, installed if it is not yet."""
    name = hashlib.sha256("\n".join(REQUIREMENTS).encode()).hexdigest()[:12]
    made = KEPT / f"native-{name}-cp{sys.version_info[0]}{sys.version_info[1]}"
    if not (made / "bin" / "python").exists():
        install(REQUIREMENTS, made, constrained=False)  # together's rich is older than Tracer's
    return made / "bin" / "python"


async def say(url: str, *calls: str, key: str = "sk-own-key-of-the-caller") -> dict[str, Any]:
    """What came of each call, by its name in scripts/say.py; made in order by one program."""
    given = json.dumps({"url": url, "key": key})
    interpreter = await asyncio.to_thread(python)
    # No key, region or proxy that this machine's user has set up for an SDK.
    environ = {"PATH": os.environ["PATH"], "HOME": str(interpreter.parents[1])}
    process = await asyncio.create_subprocess_exec(
        interpreter, "-I", _SAY, given, *calls, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    made: dict[str, Any] = json.loads(out)
    return made
