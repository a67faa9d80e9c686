/** One group of the navigation. */
export interface Group {
  readonly title: string
  /** Shown closed, until one of its pages is open. */
  readonly isClosed?: boolean
  /** Pages by path below `docs/`, in this order. */
  readonly pages: readonly string[]
  /** Where every page belongs that no group names: below this path, at the end of the group. */
  readonly rest?: RegExp
}

/** Order of the navigation. A page that nobody has put here stands at the end of its group. */
export const GROUPS: readonly Group[] = [
  {
    title: 'Start',
    pages: [
      'guides/new-server.md',
      'guides/add-to-existing-server.md',
      'guides/mounting.md',
      'guides/validators.md',
    ],
  },
  {
    title: 'Procedures',
    pages: ['OAUTH_SOP.md', 'GO_LIVE.md', 'TROUBLESHOOTING.md', 'DEPRECATIONS.md'],
    rest: /^[^/]+\.md$/,
  },
  { title: 'Providers', isClosed: true, pages: [], rest: /^guides\/provider-/ },
  { title: 'Clients', isClosed: true, pages: [], rest: /^guides\/client-/ },
  {
    title: 'Ways in to the example',
    isClosed: true,
    pages: [
      'guides/way-in-embedded.md',
      'guides/way-in-stytch.md',
      'guides/way-in-cloudflare-access.md',
      'guides/way-in-oidc.md',
      'guides/way-in-local-bearer.md',
      'guides/local-stdio.md',
    ],
    rest: /^guides\/way-in-/,
  },
  { title: 'Moving here', isClosed: true, pages: [], rest: /^guides\/(?:migrate-from|move)-/ },
  {
    title: 'Guides',
    isClosed: true,
    pages: [
      'guides/authorization-server.md',
      'guides/token-stores.md',
      'guides/postgres.md',
      'guides/infisical.md',
      'guides/migrate-stores.md',
      'guides/rotate-an-upstream-token.md',
      'guides/key-rotation.md',
      'guides/key-providers.md',
    ],
    rest: /^guides\//,
  },
  {
    title: 'Reference',
    isClosed: true,
    pages: [
      'performance.md',
      'reference/acceptance-commands.md',
      'reference/responses.md',
      'reference/errors.md',
      'reference/cli.md',
      'reference/authorization-server-options.md',
      'reference/authorization-server-events.md',
      'reference/database-schema.md',
      'reference/envelope.md',
      'reference/rfc-compliance.md',
    ],
    rest: /^reference\//,
  },
  {
    title: 'Security',
    isClosed: true,
    pages: ['security/report.md', 'security/comparison.md', 'security/advisories.md'],
    rest: /^security\//,
  },
  { title: 'Templates', isClosed: true, pages: [], rest: /^templates\// },
  { title: 'API', isClosed: true, pages: ['api/index.md'], rest: /^api\// },
  { title: 'Decisions', isClosed: true, pages: [], rest: /^decisions\// },
]
