/*
 * CPU of one code exchange, one refresh, one introspection and one sign-in page: of the server's process,
 * and of the PostgreSQL backends that work for it. The servers take turns; codes are made outside of what
 * is measured.
 */
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { interleave } from '../stores/interleave.mjs'
import { ratioOf, typical } from '../stores/typical.mjs'
import { createBrowser } from './browser.mjs'
import { createClient } from './clients.mjs'
import { installPeers } from './install-peers.mjs'
import { CONNECTIONS, closeConnections, post } from './post.mjs'
import { startServer } from './processes.mjs'

const SLICE = effort(100, 4)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? effort(12, 1))
// Code is compiled to the end after some two thousand requests only.
const WARM_UP_ROUNDS = Number(process.env.BENCH_WARM_UP_ROUNDS ?? effort(12, 0))
const PAGES = effort(20, 2)

const ROLES = { floor: 'floor', ours: 'ours', 'oidc-provider': 'peer', 'better-auth': 'peer' }
const LABELS = {
  floor: 'floor: Map, ES256',
  ours: 'ours on PostgreSQL',
  'oidc-provider': 'oidc-provider in memory',
  'better-auth': 'better-auth on PostgreSQL',
}
const OPERATIONS = {
  code: 'a code exchange',
  refresh: 'a refresh',
  introspect: 'an introspection',
  page: 'a sign-in page',
}

/** CPU per request while something runs that sends `count` of them, in microseconds. */
async function measure(postgres, server, count, run) {
  const before = await server.usage()
  let answers
  const { backend } = await postgres.cpuWhile(async () => {
    answers = await run()
  })
  const spent = (await server.usage()) - before
  return { answers, sample: { server: spent / count, backend: backend / count } }
}

/** A token of a confidential client, which is the one that all servers let introspect it. */
async function prepareIntrospection(server) {
  const client = await createClient(server, { isConfidential: true })
  const form = await client.authorize(await client.signIn())
  const { access_token: token } = await post(client.tokenUrl, form, client.headers)
  const ask = () => post(client.introspectUrl, { token }, client.headers)
  if ((await ask()).active !== true) throw new Error(`${server.name} does not know its token`)
  return ask
}

/** Starts a server with a client and a person who is signed in. */
async function prepare(postgres, name) {
  const server = await startServer(name, await postgres.createDatabase())
  const client = await createClient(server)
  return {
    server,
    client,
    browser: await client.signIn(),
    introspect: await prepareIntrospection(server),
    // The application that uses it makes the pages of better-auth, and the floor has none.
    hasPages: name === 'ours' || name === 'oidc-provider',
  }
}

async function measureRound(postgres, { server, client, browser, introspect, hasPages }) {
  const forms = []
  while (forms.length < SLICE) forms.push(await client.authorize(browser))
  const postAll = (all) => () => Promise.all(all.map((form) => post(client.tokenUrl, form)))
  const code = await measure(postgres, server, SLICE, postAll(forms))
  const refreshForms = code.answers.map((answer) => client.refreshForm(answer.refresh_token))
  const refresh = await measure(postgres, server, SLICE, postAll(refreshForms))
  const asked = await measure(postgres, server, SLICE, () =>
    Promise.all(Array.from({ length: SLICE }, introspect)),
  )
  const samples = { code: code.sample, refresh: refresh.sample, introspect: asked.sample }
  if (!hasPages) return samples
  const page = await measure(postgres, server, PAGES, async () => {
    for (let count = 0; count < PAGES; count += 1) {
      await createBrowser(server.origin).open(client.authorizeUrl().href)
    }
  })
  return { ...samples, page: page.sample }
}

function tableOf(operation, samples) {
  const names = Object.keys(samples).filter((name) => samples[name][0][operation] !== undefined)
  const of = (name, value) => samples[name].map((sample) => value(sample[operation]))
  const inServer = ({ server }) => server
  const together = ({ server, backend }) => server + backend
  // Memory against memory in the server alone; what needs a database with its backends.
  const ofPeer = (name, peer, value) =>
    names.includes(peer) ? ratioOf(of(name, value), of(peer, value)) : Number.NaN
  return measuredTable(
    `token-${operation}`,
    `CPU of ${OPERATIONS[operation]}, over ${CONNECTIONS} connections`,
    [
      ['server us', 0],
      ['backend us', 0],
      ['together us', 0],
      ['server, of oidc-provider', 2],
      ['together, of better-auth', 2],
    ],
    names.map((name) => ({
      label: LABELS[name],
      role: ROLES[name],
      values: [
        typical(of(name, inServer)),
        typical(of(name, ({ backend }) => backend)),
        typical(of(name, together)),
        ofPeer(name, 'oidc-provider', inServer),
        ofPeer(name, 'better-auth', together),
      ],
    })),
  )
}

/** Measures and returns a table for each operation. */
export async function measureTokenEndpoint(postgres) {
  const names = ['floor', 'ours', 'oidc-provider']
  if (installPeers() !== undefined) names.push('better-auth')
  const prepared = {}
  for (const name of names) prepared[name] = await prepare(postgres, name)
  const samples = await interleave(
    prepared,
    { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS },
    (each) => measureRound(postgres, each),
  )
  for (const { server } of Object.values(prepared)) server.stop()
  closeConnections()
  return Object.keys(OPERATIONS).map((operation) => tableOf(operation, samples))
}
