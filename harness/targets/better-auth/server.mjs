// A resource server on node:http that asks Better Auth's client for resource servers about every request. It serves unbound
// tokens as Bearer too, and remembers proofs in its own memory, as it does by default.
// The issuer it trusts is the harness itself, on port 9400.
import { createServer } from 'node:http';
import { oauthProviderResourceClient } from '@better-auth/oauth-provider/resource-client';

const issuer = 'http://127.0.0.1:9400';
const origin = 'http://127.0.0.1:9416';
const { verifyAccessTokenRequest, getProtectedResourceMetadata } = oauthProviderResourceClient().getActions();
const options = { jwksUrl: `${issuer}/.well-known/jwks.json`, verifyOptions: { issuer, audience: origin } };

async function answer(req, res) {
  const url = new URL(req.url, origin); // A request may name the whole URL (RFC 9112 section 3.2.2).
  if (url.href === `${origin}/.well-known/oauth-protected-resource`) {
    const metadata = await getProtectedResourceMetadata({ resource: origin, authorization_servers: [issuer] });
    return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata));
  }
  if (url.origin !== origin || url.pathname !== '/resource') return res.writeHead(404).end();
  try {
    const { authorization, dpop } = req.headers;
    const request = { authorizationHeader: authorization, dpopProofJwt: dpop, method: req.method, url: url.href };
    const { sub } = await verifyAccessTokenRequest(request, options);
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub }));
  } catch (error) {
    if (!error.statusCode) throw error;
    const headers = Object.fromEntries(new Headers(error.headers));
    const body = JSON.stringify(error.body ?? {});
    res.writeHead(error.statusCode, { ...headers, 'content-type': 'application/json' }).end(body);
  }
}

createServer((req, res) => {
  answer(req, res).catch((error) => {
    console.error(error);
    res.writeHead(500).end();
  });
}).listen(9416, '127.0.0.1');
