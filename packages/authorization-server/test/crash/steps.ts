import type { SignInWay } from './person.js'

/** What a server is killed in. A point belongs to the first that names it. */
export interface Step {
  readonly name: string
  readonly names: RegExp
  /** Some of its points, so that none of them goes missing by another name. */
  readonly mustHave: readonly string[]
  /** Who passes them. */
  readonly way: SignInWay
}

export const STEPS: readonly Step[] = [
  {
    name: 'a sign-in at an upstream',
    names: /login\/company|interaction\/leave|GET callback/,
    mustHave: [
      'after POST interaction/login/company: COMMIT of as_write_2',
      'before GET interaction/leave: as_destroy',
      'after GET callback: as_consume',
      'after GET callback: upstream /token',
      'after GET callback: as_user_sign_in',
    ],
    way: 'company',
  },
  {
    name: 'the connection of an account',
    names: /interaction\/connect|credential_read|keys_select|clock_read/,
    mustHave: [
      'before GET authorize/resume: credential_read',
      'after POST interaction/connect: upstream account',
      'after POST interaction/connect: credential_put',
    ],
    way: 'dev',
  },
  {
    name: 'an exchange or a refresh',
    names: /POST token/,
    mustHave: [
      'after POST token code: as_write_2_active_0_spent',
      'after POST token refresh: COMMIT of as_write_3_active_0_spent',
    ],
    way: 'dev',
  },
  {
    name: 'a sign-in or a consent',
    names: /./,
    mustHave: [
      'after POST interaction/login/dev: as_user_sign_in',
      'before POST interaction/consent: COMMIT of audit_insert',
    ],
    way: 'dev',
  },
]

/** The points of one step, each with how often it is passed. */
export function pointsOf(
  step: Step,
  passed: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map(
    [...passed].filter(([point]) => STEPS.find(({ names }) => names.test(point)) === step),
  )
}
