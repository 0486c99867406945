// A resource server on node:http that asks the `Oauth2ResourceServer` of @openid4vc/oauth2 about every request. Signatures are
// verified by callbacks, here with jose; any memory of `jti` is the application's own, and there is none here.
// The issuer it trusts is the harness itself, on port 9400.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import {
  Oauth2ResourceServer,
  Oauth2ResourceUnauthorizedError,
  SupportedAuthenticationScheme,
  clientAuthenticationNone,
  fetchAuthorizationServerMetadata,
  setGlobalConfig,
} from '@openid4vc/oauth2';
import { jwtVerify, importJWK } from 'jose';

const issuer = 'http://127.0.0.1:9400';
const origin = 'http://127.0.0.1:9415';
setGlobalConfig({ allowInsecureUrls: true });

const server = new Oauth2ResourceServer({
  callbacks: {
    hash: (data, alg) => createHash(alg.replace('-', '')).update(data).digest(),
    clientAuthentication: clientAuthenticationNone({ clientId: 'resource-server' }),
    verifyJwt: async ({ alg, publicJwk }, { compact }) => {
      await jwtVerify(compact, await importJWK(publicJwk, alg), { algorithms: [alg] });
      return { verified: true, signerJwk: publicJwk };
    },
  },
});

let metadata;
async function answer(req, res) {
  const url = new URL(req.url, origin); // A request may name the whole URL (RFC 9112 section 3.2.2).
  if (url.origin !== origin || url.pathname !== '/resource') return res.writeHead(404).end();
  try {
    metadata ??= await fetchAuthorizationServerMetadata(issuer);
    const { tokenPayload } = await server.verifyResourceRequest({
      request: { url: url.href, method: req.method, headers: new Headers(req.headers) },
      resourceServer: origin,
      authorizationServers: [metadata],
      allowedAuthenticationSchemes: [SupportedAuthenticationScheme.DPoP],
    });
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub: tokenPayload.sub }));
  } catch (error) {
    if (!(error instanceof Oauth2ResourceUnauthorizedError)) throw error;
    const challenge = error.toHeaderValue().replace(/[^\x20-\x7e]+/g, ' '); // No other character fits in a field.
    res.writeHead(401, { 'www-authenticate': challenge }).end();
  }
}

createServer((req, res) => {
  answer(req, res).catch((error) => {
    console.error(error);
    res.writeHead(500).end();
  });
}).listen(9415, '127.0.0.1');
