import type {
  AccountView,
  AdminView,
  ApiTokenView,
  ClientView,
  ConnectView,
  ConsentView,
  DoneView,
  FormView,
  LeavingView,
  Pages,
  SignInView,
} from '../../src/pages/pages.js'

export const form = (action: string): FormView => ({ action, csrfToken: 'csrf-1' })

export const claude: ClientView = {
  name: 'Claude',
  idHost: 'claude.ai',
  redirectHost: 'claude.ai',
  isLoopback: false,
  isPrivateScheme: false,
}
export const loopback: ClientView = {
  name: 'Claude Code',
  redirectHost: 'localhost:33418',
  isLoopback: true,
  isPrivateScheme: false,
}
export const cursor: ClientView = {
  name: 'Cursor',
  redirectHost: 'cursor:',
  isLoopback: false,
  isPrivateScheme: true,
}
const user = { name: 'Ann Rivers', email: 'ann@example.com', provider: 'Google' }
const scopes = [
  { scope: 'coda.read', description: 'Read your docs, pages, tables and rows' },
  { scope: 'coda.write', description: 'Change your docs and add rows' },
]

export const apiToken: ApiTokenView = {
  label: 'Coda API token',
  helpUrl: 'https://coda.io/account',
  hint: '36 characters',
  form: form('/oauth/interaction/1/token'),
}

export const signIn: SignInView = {
  client: claude,
  redirects: [
    { label: 'Google', form: form('/oauth/interaction/1/google') },
    { label: 'Microsoft', form: form('/oauth/interaction/1/microsoft') },
  ],
  apiToken,
  cancel: form('/oauth/interaction/1/cancel'),
}

export const connect: ConnectView = {
  client: claude,
  user,
  apiToken,
  skip: form('/oauth/interaction/1/skip'),
  cancel: form('/oauth/interaction/1/cancel'),
}

export const consent: ConsentView = {
  client: claude,
  user,
  resource: 'https://coda.example.com/mcp',
  scopes,
  approve: form('/oauth/interaction/1/approve'),
  deny: form('/oauth/interaction/1/deny'),
  switchUser: form('/oauth/interaction/1/switch'),
}

export const done: DoneView = { client: claude, outcome: 'connected' }

export const leaving: LeavingView = { provider: 'Google', continueUrl: '/oauth/leave' }

const NOVEMBER = 1_795_275_600

export const admin: AdminView = {
  users: [
    {
      name: 'Ann Rivers',
      email: 'ann@example.com',
      status: 'active',
      role: 'admin',
      lastLoginAt: NOVEMBER,
    },
    {
      name: 'Ben Okafor',
      email: 'ben.okafor@example.com',
      status: 'active',
      role: 'user',
      lastLoginAt: NOVEMBER - 90_000,
      suspend: form('/account/users/2/suspend'),
    },
    {
      name: 'Cleo Park',
      email: 'cleo@example.com',
      status: 'suspended',
      role: 'user',
      lastLoginAt: NOVEMBER - 990_000,
      activate: form('/account/users/3/activate'),
    },
    { email: 'dan@example.com', status: 'invited', role: 'user' },
  ],
  clients: [
    {
      name: 'Claude',
      clientId: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
      origin: 'document',
      lastUsedAt: NOVEMBER,
      revoke: form('/account/clients/1/revoke'),
    },
    {
      name: 'Cursor',
      clientId: '5b0f8e6c0f6d4f0ab2b6',
      origin: 'dynamic',
      revoke: form('/account/clients/2/revoke'),
    },
  ],
  events: [
    { at: NOVEMBER, event: 'sign-in', outcome: 'done', actor: 'ann@example.com' },
    { at: NOVEMBER - 60, event: 'client.register', outcome: 'done' },
    { at: NOVEMBER - 300, event: 'token.reuse', outcome: 'denied', actor: 'cleo@example.com' },
  ],
  invite: form('/account/users/invite'),
}

export const account: AccountView = {
  user,
  isAdmin: false,
  apps: [
    {
      name: 'Claude',
      host: 'claude.ai',
      scopes,
      grantedAt: NOVEMBER - 500_000,
      lastUsedAt: NOVEMBER,
      revoke: form('/account/apps/1/revoke'),
    },
    {
      name: 'Cursor',
      host: 'cursor:',
      scopes: scopes.slice(0, 1),
      grantedAt: NOVEMBER - 900_000,
      revoke: form('/account/apps/2/revoke'),
    },
  ],
  credentials: [
    {
      label: 'Coda API token',
      replace: { ...apiToken, form: form('/account/credentials/1/replace') },
      stored: {
        updatedAt: NOVEMBER - 500_000,
        remove: form('/account/credentials/1/remove'),
      },
    },
  ],
  signOut: form('/account/sign-out'),
}

const dev = {
  form: form('/oauth/interaction/1/dev'),
  users: [
    { subject: 'dev-ann', name: 'Ann', email: 'ann@localhost' },
    { subject: 'dev-ben', name: 'Ben', email: 'ben@localhost' },
  ],
}
const tokenProblem = (problem: NonNullable<ApiTokenView['problem']>) => ({ ...apiToken, problem })
const { apiToken: _token, ...redirectsOnly } = signIn
const ERRORS = [
  'bad_request',
  'unknown_client',
  'bad_redirect_uri',
  'expired',
  'forbidden',
  'too_many',
  'unavailable',
  'server_error',
] as const

/** Every page in every state, by a name for files and test titles. */
export function renderStates(pages: Pages): Readonly<Record<string, string>> {
  const states: Record<string, string> = {
    'sign-in': pages.signIn(signIn),
    'sign-in-one': pages.signIn({ ...redirectsOnly, redirects: signIn.redirects.slice(0, 1) }),
    'sign-in-token': pages.signIn({ ...signIn, client: cursor, redirects: [] }),
    'sign-in-dev': pages.signIn({ ...redirectsOnly, client: loopback, redirects: [], dev }),
    'sign-in-account': pages.signIn({ ...signIn, client: undefined, cancel: undefined }),
    'sign-in-all': pages.signIn({ ...signIn, dev }),
    connect: pages.connect(connect),
    'connect-required': pages.connect({ ...connect, skip: undefined }),
    consent: pages.consent(consent),
    'consent-loopback': pages.consent({ ...consent, client: loopback }),
    'consent-private-scheme': pages.consent({ ...consent, client: cursor }),
    'consent-no-scopes': pages.consent({ ...consent, scopes: [], switchUser: undefined }),
    done: pages.done(done),
    'done-finished': pages.done({ client: claude }),
    'done-going-on': pages.done({ client: cursor, continueUrl: '/oauth/resume' }),
    'done-continuing': pages.done({ ...done, continueUrl: '/oauth/resume' }),
    'done-app': pages.done({ client: cursor, continueUrl: '/oauth/resume', outcome: 'connected' }),
    'done-declined': pages.done({ client: claude, outcome: 'declined' }),
    leaving: pages.leaving(leaving),
    account: pages.account(account),
    'account-notice': pages.account({ ...account, notice: 'revoked' }),
    'account-empty': pages.account({ ...account, apps: [], credentials: [] }),
    'account-admin': pages.account({ ...account, isAdmin: true, admin }),
    'account-admin-cut': pages.account({
      ...account,
      isAdmin: true,
      admin: { ...admin, cut: ['users', 'clients', 'events'] },
    }),
  }
  for (const problem of ['empty', 'refused', 'unavailable', 'too_many'] as const) {
    states[`sign-in-${problem}`] = pages.signIn({ ...signIn, apiToken: tokenProblem(problem) })
    states[`connect-${problem}`] = pages.connect({ ...connect, apiToken: tokenProblem(problem) })
  }
  const [credential] = account.credentials
  if (credential !== undefined) {
    const replace = { ...credential.replace, problem: 'refused' as const }
    states['account-problem'] = pages.account({
      ...account,
      credentials: [{ ...credential, replace }],
    })
    states['account-missing'] = pages.account({
      ...account,
      credentials: [{ ...credential, stored: undefined }],
    })
  }
  const denials = [
    'not_admitted',
    'suspended',
    'cancelled',
    'upstream_denied',
    'not_direct',
  ] as const
  for (const reason of denials) {
    const back = form('/oauth/interaction/1/back')
    states[`denied-${reason}`] = pages.denied({ user, reason, back })
  }
  for (const reason of ERRORS) {
    states[`error-${reason}`] = pages.error({
      status: 400,
      reason,
      requestId: '0197d3c1-6a5e-7c1b-9f3e-2f6f1a4b8c9d',
      retryAfterSeconds: reason === 'too_many' ? 30 : undefined,
    })
  }
  return states
}
