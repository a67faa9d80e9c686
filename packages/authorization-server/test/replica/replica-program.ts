import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMcpAuth } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { createDatabase } from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import { createAuthorizationServer } from '../../src/engine/create-authorization-server.js'
import { devLogin } from '../../src/login/dev-login.js'
import { createCrashLogins } from '../crash/crash-logins.js'
import { createCrashSteps } from '../crash/crash-steps.js'
import { installReplicaClock } from './replica-clock.js'
import type { ReplicaJob } from './replica-job.js'

/* One replica of an application with our authorization server, in a process of its own. */

// Nobody is left to end it.
process.once('disconnect', () => process.exit(1))
const [job] = (await once(process, 'message')) as [ReplicaJob]
const clock = installReplicaClock()

const app = express()
const http = createServer(app)
await new Promise<void>((resolve) => http.listen(job.port ?? 0, '127.0.0.1', () => resolve()))
const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
const issuer = job.issuer ?? origin
const resource = `${issuer}/mcp`

const { connectionString, encryptionKeys, crash } = job
const steps = crash === undefined ? undefined : createCrashSteps(crash)
const database = createDatabase(
  steps === undefined
    ? { connectionString }
    : // Nothing but what requests do: what runs by itself would pass points at times of its own.
      { pool: steps.createPool(connectionString), listen: false, pollMilliseconds: 60_000 },
)
const logins =
  steps === undefined || crash === undefined
    ? undefined
    : createCrashLogins(steps, crash.company, { database, encryptionKeys })
const as = await createAuthorizationServer({
  issuer,
  database,
  encryptionKeys,
  resources: { [resource]: { scopes: { 'coda.read': 'Read', 'coda.write': 'Change' } } },
  ...logins,
  login: [
    devLogin({
      users: ['ann', 'bob'].map((name) => ({ subject: name, email: `${name}@example.com`, name })),
    }),
    ...(logins?.login ?? []),
  ],
  // All of them come from one address.
  rateLimits: false,
})

async function act({ action, ...given }: Record<string, unknown>): Promise<unknown> {
  switch (action) {
    case 'advance':
      clock.advance(Number(given.seconds))
      return {}
    case 'rotate':
      await as.signingKeys.rotate({ compromised: given.compromised === true })
      return {}
    case 'suspend':
      await as.users.suspend(String(given.email))
      return {}
    case 'activate':
      await as.users.activate(String(given.email))
      return {}
    case 'begin':
      steps?.begin()
      return {}
    case 'points':
      return [...(steps?.passed ?? [])]
    default:
      throw new TypeError(`no action ${String(action)}`)
  }
}

app.post('/replica', express.json(), async (request, response) => {
  try {
    response.json(await act(request.body))
  } catch (error) {
    response.status(500).json({ error: String(error) })
  }
})
if (steps !== undefined) app.use(steps.middleware)
app.use(as.router)
app.use(
  '/mcp',
  mcpAuth(createMcpAuth({ resource, validators: [as.validator], onEvent: () => undefined })),
  (_request, response) => {
    response.json({ ok: true })
  },
)
process.send?.({ origin, resource })
