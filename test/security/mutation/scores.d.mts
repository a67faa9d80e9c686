import type { RecordedPart } from '../report/aggregate.mjs'
import type { Group } from './groups.mjs'
import type { Counts, FoundSurvivor, Survivor } from './judge.mjs'

/** What `scores.json` keeps of one group. */
export interface Score extends Counts {
  /** In per cent, to one decimal place. */
  readonly score: number
  /** Survivors that `survivors.json` has a reason for. */
  readonly listed: number
  /** ISO 8601. */
  readonly date: string
  readonly node: string
  /** SHA-256 over the mutated sources and their tests, hex. */
  readonly digest: string
}

export type Scores = Readonly<Record<string, Score>>

export const GOAL: number
export const ROOT: string
export function filesOf(group: Group, root?: string): readonly string[]
export function digestGroup(group: Group, root?: string): string
export function toScore(
  result: {
    readonly detected: number
    readonly survivors: readonly FoundSurvivor[]
    readonly counts: Counts
  },
  known: readonly Survivor[],
  digest: string,
): Score
export function readScores(path?: string): Scores
export function writeScore(name: string, score: Score, path?: string): void
export function scoreParts(
  scores: Scores,
  digestOf?: (group: Group) => string,
): readonly RecordedPart[]
