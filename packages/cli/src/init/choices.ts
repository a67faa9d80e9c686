/** How callers can come in: a folder of `templates/mcp-server/ways-in`, with a line for people. */
export const WAYS_IN = {
  embedded: 'People sign in at the server itself; nothing to configure',
  stytch: 'Access tokens of a Stytch project',
  'cloudflare-access': 'Cloudflare Access in front of the server',
  oidc: 'Access tokens of any OpenID provider',
  'local-bearer': 'Tokens that you hand out; not for ChatGPT and claude.ai',
} as const

/** Where upstream credentials can be kept: a folder of `templates/mcp-server/stores`. */
export const STORES = {
  env: 'Variables and mounted files; nothing to run',
  postgres: 'PostgreSQL, sealed; a folder on your own machine',
  infisical: 'Infisical, where people can change them',
  none: 'No upstream credential',
} as const

/** How callers come in. */
export type WayIn = keyof typeof WAYS_IN

/** Where upstream credentials are kept. */
export type Store = keyof typeof STORES

/** What a server is made with. */
export interface Choice {
  readonly wayIn: WayIn
  readonly store: Store
}

/** Taken with `--yes` for what is not given. */
export const DEFAULT_CHOICE: Choice = { wayIn: 'embedded', store: 'env' }

/** Every choice there is. */
export const ALL_CHOICES: readonly Choice[] = namesOf(WAYS_IN).flatMap((wayIn) =>
  namesOf(STORES).map((store) => ({ wayIn, store })),
)

/** Names of the ways in, or of the stores. */
export function namesOf<Name extends string>(table: Readonly<Record<Name, string>>): Name[] {
  return Object.keys(table) as Name[]
}
