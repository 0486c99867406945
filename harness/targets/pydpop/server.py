"""A Starlette application with pydpop's middleware. The middleware looks at proofs; the access token, and that it is bound to the
key of the proof, is the application's matter. The issuer it trusts is the harness itself, on port 9400.
"""

import jwt
import uvicorn
from pydpop.integrations.starlette import DPoPMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ISSUER = "http://127.0.0.1:9400"
ORIGIN = "http://127.0.0.1:9422"
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json", cache_keys=True)


def claims_of(token: str) -> dict:
    if jwt.get_unverified_header(token).get("typ", "").lower() not in ("at+jwt", "application/at+jwt"):
        raise jwt.InvalidTokenError("not an access token")
    key = keys.get_signing_key_from_jwt(token).key
    need = {"require": ["exp", "iss", "aud"]}
    return jwt.decode(token, key, algorithms=["ES256"], audience=ORIGIN, issuer=ISSUER, options=need)


def resource(request: Request) -> JSONResponse:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() != "dpop" or len(request.headers.getlist("authorization")) != 1:
            raise jwt.InvalidTokenError("one access token under the DPoP scheme is needed")
        claims = claims_of(token)
        confirmation = claims.get("cnf")
        bound = confirmation.get("jkt") if isinstance(confirmation, dict) else None
        if bound != request.scope["dpop"]["jwk_thumbprint"]:
            raise jwt.InvalidTokenError("the token is bound to another key, or to none")
    except jwt.PyJWTError:
        return JSONResponse({}, 401, {"WWW-Authenticate": 'DPoP error="invalid_token", algs="ES256"'})
    return JSONResponse({"sub": claims["sub"]})


app = Starlette(routes=[Route("/resource", resource, methods=["GET"])])
app.add_middleware(DPoPMiddleware)
uvicorn.run(app, host="127.0.0.1", port=9422, proxy_headers=False, lifespan="off", log_level="warning")
