/** Secret of the client that introspects at oidc-provider, which registers its clients in its code. */
export const CONFIDENTIAL_SECRET = 'a-secret-of-the-bench-that-is-long-enough'
