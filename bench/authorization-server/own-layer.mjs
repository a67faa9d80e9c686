/*
 * What our layer over the engine costs: CPU of a code exchange and of a refresh, with ES256, of our server and
 * of oidc-provider on the same storage in memory, with the client in it. The two take turns.
 */
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { interleave } from '../stores/interleave.mjs'
import { ratioOf, typical } from '../stores/typical.mjs'
import { createClient } from './clients.mjs'
import { CONNECTIONS, closeConnections, post } from './post.mjs'
import { startServer } from './processes.mjs'

const SLICE = effort(100, 4)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? effort(12, 1))
const WARM_UP_ROUNDS = Number(process.env.BENCH_WARM_UP_ROUNDS ?? effort(12, 0))

const SERVERS = {
  'memory-ours': { kind: 'ours', label: 'ours in memory', role: 'ours' },
  'memory-oidc-provider': {
    kind: 'oidc-provider',
    label: 'oidc-provider with the same adapter',
    role: 'peer',
  },
}

async function prepare(name) {
  const server = { ...(await startServer(name)), kind: SERVERS[name].kind }
  const client = await createClient(server)
  return { server, client, browser: await client.signIn() }
}

/** CPU microseconds of one request while all of them run. */
async function measure(server, { tokenUrl }, forms) {
  const before = await server.usage()
  const answers = await Promise.all(forms.map((form) => post(tokenUrl, form)))
  return { answers, each: ((await server.usage()) - before) / forms.length }
}

async function measureRound({ server, client, browser }) {
  const forms = []
  while (forms.length < SLICE) forms.push(await client.authorize(browser))
  const code = await measure(server, client, forms)
  const tokens = code.answers.map((answer) => client.refreshForm(answer.refresh_token))
  const refresh = await measure(server, client, tokens)
  return { code: code.each, refresh: refresh.each }
}

/** Measures and returns the table. */
export async function measureOwnLayer() {
  const prepared = {}
  for (const name of Object.keys(SERVERS)) prepared[name] = await prepare(name)
  const samples = await interleave(
    prepared,
    { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS },
    measureRound,
  )
  for (const { server } of Object.values(prepared)) server.stop()
  closeConnections()
  const of = (name, operation) => samples[name].map((sample) => sample[operation])
  const ratio = (name, operation) =>
    ratioOf(of(name, operation), of('memory-oidc-provider', operation))
  return measuredTable(
    'own-layer',
    `CPU of the token endpoint on one storage in memory, over ${CONNECTIONS} connections`,
    [
      ['code us', 0],
      ['refresh us', 0],
      ['code, of oidc-provider', 2],
      ['refresh, of oidc-provider', 2],
    ],
    Object.entries(SERVERS).map(([name, { label, role }]) => ({
      label,
      role,
      values: [
        typical(of(name, 'code')),
        typical(of(name, 'refresh')),
        ratio(name, 'code'),
        ratio(name, 'refresh'),
      ],
    })),
  )
}
