import type { Probe } from '../http/prober.js'

/** Tokens of one answer, and where they are ended. */
export interface IssuedTokens {
  readonly tokens: readonly string[]
  readonly client: { readonly id: string; readonly secret: string | undefined }
  /** The `revocation_endpoint`; `undefined` where there is none. */
  readonly endpoint: URL | undefined
}

/**
 * Ends every token of a run, where the server has an endpoint for it (RFC 7009). What it answers does not
 * matter: most of the tokens were replaced by others and are over already.
 */
export async function revokeTokens(probe: Probe, issued: readonly IssuedTokens[]): Promise<void> {
  const requests = issued.flatMap(({ tokens, client, endpoint }) => {
    if (endpoint === undefined) return []
    const secret = client.secret === undefined ? {} : { client_secret: client.secret }
    return tokens.map((token) =>
      probe({
        method: 'POST',
        url: endpoint.href,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ client_id: client.id, ...secret, token }).toString(),
        about: 'revocation',
        isFresh: true,
      }),
    )
  })
  await Promise.all(requests)
}
