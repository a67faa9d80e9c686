/** The kinds of host in one process of the matrix. */
export const MATRIX_HOSTS = ['express4', 'express5', 'hono'] as const
export type MatrixHost = (typeof MATRIX_HOSTS)[number]

export const RESOURCE = 'https://mcp.test/mcp'
export const ACCESS_AUDIENCE = 'aud-of-our-application'
export const OPAQUE_PREFIX = 'oat_'
/** The scopes that are asked for, and the operations that ask for more. */
export const SCOPES = {
  required: ['docs.read'],
  tools: { get_row: [], delete_doc: ['docs.write'], 'stored_*': [] },
  otherTools: ['docs.admin'],
}

/** What the program of the matrix needs to know; all of it plain JSON. */
export interface ResourceServerJob {
  /** The issuer whose keys can be had. */
  readonly issuer: string
  readonly jwksUri: string
  /** Issuers that fail, each in its own way. */
  readonly faulty: readonly { readonly issuer: string; readonly jwksUri: string }[]
  readonly introspection: {
    readonly issuer: string
    readonly endpoint: string
    readonly clientId: string
    readonly clientSecret: string
  }
  readonly bearerDigest: string
  /** The addresses that may come in. */
  readonly emails: readonly string[]
  /** In the error of a store that is down. */
  readonly storeSecret: string
  /** When Node.js gives up slow requests to Express 5. Default: those of Node.js. */
  readonly timeouts?: {
    readonly headersTimeout: number
    readonly requestTimeout: number
    readonly connectionsCheckingInterval: number
  }
}

/** What a flood of bad tokens is made of. */
export interface Flood {
  readonly count: number
  /** A good token, whose signature is made wrong in a new way each time. */
  readonly good: string
}

/** Ports of a started process, by host. */
export type MatrixPorts = Readonly<Record<MatrixHost, number>>
