import { isLongForm } from '../support/long-form.js'

/** Values of `NODE_ENV` that every row runs under; `undefined` leaves the variable out. */
export const NODE_ENVIRONMENTS = ['development', 'production', undefined] as const
export type NodeEnvironment = (typeof NODE_ENVIRONMENTS)[number]

/** Those of a suite by day; by night and for the figures of the report it runs under every one. */
export function chooseEnvironments(
  ...byDay: readonly NodeEnvironment[]
): readonly NodeEnvironment[] {
  return isLongForm ? NODE_ENVIRONMENTS : byDay
}

/** How test names call it. */
export function nameOf(environment: NodeEnvironment): string {
  return environment === undefined ? 'NODE_ENV unset' : `NODE_ENV ${environment}`
}

/** Variables of a child process: the search path, `NODE_ENV` as asked, and what is given. */
export function variablesOf(
  environment: NodeEnvironment,
  given: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const { PATH = '' } = process.env
  return { PATH, ...(environment === undefined ? {} : { NODE_ENV: environment }), ...given }
}
