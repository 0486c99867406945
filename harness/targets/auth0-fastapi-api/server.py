"""A FastAPI resource server on Auth0's SDK, with DPoP required. It leaves the memory of `jti` to the application; there is none.

The issuer it trusts is the harness itself, on port 9400, under https with a certificate of its own authority: `SSL_CERT_FILE`.
"""

import uvicorn
from fastapi import Depends, FastAPI
from fastapi_plugin import Auth0FastAPI

ORIGIN = "http://127.0.0.1:9418"

app = FastAPI()
auth0 = Auth0FastAPI(domain="localhost:9400", audience=ORIGIN, dpop_required=True)


@app.get("/resource")
async def resource(claims: dict = Depends(auth0.require_auth())) -> dict:
    return {"sub": claims["sub"]}


# Nothing stands in front, so nobody may say what the URL is.
uvicorn.run(app, host="127.0.0.1", port=9418, proxy_headers=False, log_level="warning")
