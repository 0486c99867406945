"""pydpop behind docs/shim.md. Its verifier looks at proofs alone; whom the token is bound to is compared here."""

import json
import sys
from importlib.metadata import version

from pydpop.verifier import DPoPError, verify_proof


class Seen:
    """The memory of one server, without a clock."""

    def __init__(self):
        self.jtis = set()
        self.seen, self.add = self.jtis.__contains__, self.jtis.add


store = Seen()


def verify(question):
    global store
    if question.get("state") != "keep":
        store = Seen()
    try:
        verified = verify_proof(
            proof=question["proof"],
            htm=question["htm"],
            htu=question["htu"],
            access_token=question.get("at"),
            expected_nonce=question.get("nonce"),
            jti_store=store,
            now=question["now"],
        )
    except DPoPError as error:
        return {"result": "reject", "code": "invalid_dpop_proof", "why": str(error)}
    except Exception as error:
        return {"result": "crash", "why": f"{type(error).__name__}: {error}"}
    jkt = verified["jwk_thumbprint"]
    if question.get("jkt") not in (None, jkt):
        return {"result": "reject", "code": "invalid_token", "why": "the token is bound to another key"}
    return {"result": "accept", "jkt": jkt}


for line in sys.stdin:
    message = json.loads(line)
    if message["op"] == "bye":
        break
    if message["op"] == "hello":
        features = ["clock", "jkt", "nonce", "replay"]
        answer = {"name": "pydpop", "version": version("pydpop"), "algs": ["ES256"], "features": features}
    else:
        answer = {"id": message["id"], **verify(message)}
    print(json.dumps(answer), flush=True)
