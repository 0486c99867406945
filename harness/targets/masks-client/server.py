"""A resource server, bare ASGI under uvicorn, that asks the verifier of masks-client about every request.

The verifier says yes or raises; how a refusal is worded is the application's own. It serves unbound tokens as Bearer too, and remembers
proofs in its own memory, as it does by default. The issuer it trusts is the harness itself, on port 9400.
"""

import json

import uvicorn
from masks import AsyncVerifier, InvalidToken, MissingToken, Unavailable, adiscover

ISSUER = "http://127.0.0.1:9400"
ORIGIN = "http://127.0.0.1:9420"
ALGS = "ES256 ES384 ES512 PS256 RS256"
verifier = None


async def authenticate(scope: dict) -> str:
    global verifier
    if verifier is None:
        verifier = AsyncVerifier(await adiscover(ISSUER), ORIGIN)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    claims = await verifier.authenticate(scope["method"], ORIGIN + scope["raw_path"].decode("latin-1"), headers)
    return claims.subject


def challenge(error: InvalidToken) -> str:
    if isinstance(error, MissingToken):
        return f'DPoP algs="{ALGS}"'
    text = "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in str(error))
    code = "invalid_dpop_proof" if "proof" in text.lower() else "invalid_token"
    return f'DPoP error="{code}", error_description="{text}", algs="{ALGS}"'


async def app(scope: dict, _receive, send) -> None:
    status, headers, body = 200, [(b"content-type", b"application/json")], b""
    try:
        if scope["path"] == "/resource":
            body = json.dumps({"sub": await authenticate(scope)}).encode()
        else:
            status = 404
    except InvalidToken as error:
        status, headers = 401, [(b"www-authenticate", challenge(error).encode("latin-1"))]
    except Unavailable:
        status = 503
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


uvicorn.run(app, host="127.0.0.1", port=9420, proxy_headers=False, lifespan="off", log_level="warning")
