import type { Report, sumValues } from './aggregate.mjs'

export function formatPage(report: Report, sum: typeof sumValues): string
