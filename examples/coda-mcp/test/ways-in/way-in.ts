import type { TestServer } from '../support/test-server.js'

/** Who calls. Ann is whom the lists of a test admit, Eve is whom they do not. */
export type Name = 'ann' | 'eve'

/** What is wrong with a credential that is right in every other way. */
export type Fault = 'expired' | 'of another audience' | 'of another issuer' | 'of another signer'

/** Headers of a request. */
export type Headers = Readonly<Record<string, string>>

/** What a caller asks for. */
export interface Asked {
  readonly name?: Name
  readonly scope?: 'coda.read' | 'coda.write'
}

/** Where clients of a server are sent to sign in. */
export interface Discovery {
  /** `authorization_servers` of the resource metadata; without any there is no metadata either. */
  readonly authorizationServers: readonly string[]
  /** Origin of the answers, where something in front of the server gives them. */
  readonly origin?: string
  readonly metadataPath?: string
}

/** How a list of `ALLOWED_…` works for a way in. */
export interface AllowList {
  readonly env: Readonly<Record<string, string>>
  /** Whether each of them comes in. */
  readonly admits: Readonly<Record<Name, boolean>>
}

/** An issuer that does not answer for a while. */
export interface Outage {
  begin(): void | Promise<void>
  end(): void | Promise<void>
  /** Every answer that a right credential may get meanwhile. Never 401. */
  readonly statuses: readonly (200 | 503)[]
}

/** One way in, as the suite uses it. */
export interface WayIn {
  readonly title: string
  /** What `/health` calls it. */
  readonly provider: string
  /** Whether clients can sign in with nothing but the URL. */
  readonly oauthCompliant: boolean
  /** Variables that turn it on. */
  env(): Readonly<Record<string, string>>
  /** URL that clients are given, when it is not the server's own. */
  resource?(server: TestServer): Promise<string>
  discovery(server: TestServer): Promise<Discovery>
  /** What a request without a credential is told. */
  readonly challenge: 'metadata' | 'bare' | 'of the edge'
  /** A right credential; rejects when the way in lets this caller in nowhere. */
  credential(server: TestServer, asked?: Asked): Promise<Headers>
  /** A wrong one; absent faults cannot exist here, for the reason given. */
  readonly impossible: Readonly<Partial<Record<Fault, string>>>
  faulty(server: TestServer, fault: Fault): Promise<Headers>
  /** Whether a caller who lacks a scope is told which one to ask for. */
  readonly canStepUp: boolean
  /** Gives every caller `coda.read` only, where scopes are not the caller's to ask for. */
  readonly readOnlyEnv?: Readonly<Record<string, string>>
  readonly lists: readonly AllowList[]
  /** Absent where nobody has to be asked. */
  readonly outage?: Outage
}
