/** Where an issuer's public keys come from. */
export type KeySource =
  /** URL of the JWK Set: https, or http on a loopback host. */
  | { readonly jwksUri: string }
  | {
      /** Issuer identifier whose metadata names the JWK Set. */
      readonly discovery: string
      /**
       * The `issuer` that the metadata must carry. Default: `discovery`. Differs only for providers
       * whose document is a template or sits under another host.
       */
      readonly documentIssuer?: string | undefined
    }
  /** Keys known in advance; nothing is ever fetched. */
  | { readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] } }
