/** One thing that a check found. */
export interface RecordedFinding {
  readonly id: string
  readonly level: string
  readonly reason: string
  /** Names of the clients that suffer. */
  readonly clients: readonly string[]
}

/** What one run of the doctor found. */
export interface RecordedRun {
  readonly outcome: string
  readonly counts: Readonly<Record<string, number>>
  readonly findings: readonly RecordedFinding[]
  readonly skipped: readonly { readonly id: string; readonly reason: string }[]
  /** Clients that could not be removed; with `--active` only. */
  readonly clientsLeft?: number
}

/** What the doctor found at one peer. */
export interface RecordedPeer {
  readonly id: string
  readonly name: string
  readonly node: string
  readonly packages: Readonly<Record<string, string>>
  readonly passive: RecordedRun
  readonly active: RecordedRun
}

/** Content of `bench/results/doctor-on-peers.json`. */
export interface RecordedPeers {
  readonly date: string
  /** Names of all clients that the doctor knows. */
  readonly clients: readonly string[]
  readonly peers: readonly RecordedPeer[]
}

/** Puts the tables of a run between their markers in the page. */
export function writeTables(page: string, results: RecordedPeers): string
