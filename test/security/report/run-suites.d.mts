import type { FailedSuite, RecordedPart } from './aggregate.mjs'

export function runTests(folder: string, isLong: boolean): Promise<readonly FailedSuite[]>
export function readConformance(output: string): RecordedPart
export function runConformance(folder: string): void
export function runMutation(): void
