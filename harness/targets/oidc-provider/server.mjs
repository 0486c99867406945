// An OpenID provider whose userinfo endpoint is the protected resource. Access tokens are opaque and DPoP is on, without
// nonces, as the library has it by default; `nonces` demands them, `proxy` lets nginx stand in front.
import { randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

// The library's own memory forgets the oldest tokens and `jti` values after 1000 entries. It checks expiry itself.
const rows = new Map();
class Memory {
  constructor(model) {
    this.key = (id) => `${model}:${id}`;
  }
  async upsert(id, row) {
    rows.set(this.key(id), row);
  }
  async find(id) {
    return rows.get(this.key(id));
  }
  async consume(id) {
    rows.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    rows.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, row] of rows) if (row.grantId === grantId) rows.delete(key);
  }
}

const variant = process.argv[2];
const requireNonce = () => variant === 'nonces';
const nonces = { nonceSecret: variant === 'nonces' ? randomBytes(32) : undefined, requireNonce };

const provider = new Provider('http://127.0.0.1:9412', {
  adapter: Memory,
  clients: [
    {
      client_id: 'harness',
      client_secret: 'only-on-loopback',
      grant_types: ['refresh_token', 'authorization_code'],
      redirect_uris: ['http://127.0.0.1:9419/callback'],
      token_endpoint_auth_method: 'client_secret_post',
      dpop_bound_access_tokens: true,
    },
  ],
  features: { dPoP: { enabled: true, allowReplay: false, ...nonces }, devInteractions: { enabled: false } },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  rotateRefreshToken: false,
  ttl: { AccessToken: 3600, Grant: 86_400, IdToken: 3600, RefreshToken: 86_400 },
});

// What a user's consent leaves behind: a grant and its refresh token, which token.mjs exchanges for access tokens.
const client = await provider.Client.find('harness');
const grant = new provider.Grant({ accountId: 'alice', clientId: client.clientId });
grant.addOIDCScope('openid');
const grantId = await grant.save();
const source = { accountId: 'alice', client, grantId, gty: 'authorization_code', scope: 'openid' };
await new provider.RefreshToken({ ...source, jti: 'refresh-token-of-alice' }).save();

provider.proxy = variant === 'proxy';
provider.listen(variant === 'proxy' ? 9413 : 9412, '127.0.0.1');
