/** A peer, and how its server is set up. */
export interface Peer {
  readonly id: string
  readonly name: string
  /** Packages that the page names. */
  readonly about: readonly string[]
  /** Everything that is installed, with its version. */
  readonly packages: Readonly<Record<string, string>>
  /** Major version of Node.js. */
  readonly node: number
  readonly configuration: string
  readonly otherwise: string
}

/** The peers in the order of the page. */
export const PEERS: readonly Peer[]
