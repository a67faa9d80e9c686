/*
 * CPU of one code exchange and one refresh: of the server's process, and of the PostgreSQL backends
 * that work for it. The servers take turns; codes are made outside of what is measured.
 */
import { Agent, request } from 'node:http'
import { interleave } from '../stores/interleave.mjs'
import { compare, ratioOf, typical } from '../stores/limits.mjs'
import { createClient } from './clients.mjs'
import { installPeers } from './install-peers.mjs'
import { startServer } from './processes.mjs'

const SLICE = Number(process.env.BENCH_SLICE ?? 100)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 30)
// Code is compiled to the end after some two thousand requests only.
const WARM_UP_ROUNDS = Number(process.env.BENCH_WARM_UP_ROUNDS ?? 15)
const CONNECTIONS = 4

const OF_BETTER_AUTH = 0.5
const OF_OIDC_PROVIDER = 2.5

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

function post(url, form) {
  const body = new URLSearchParams(form).toString()
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    }
    const sent = request(url, { agent, method: 'POST', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text))
        else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 200)}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** CPU per request while all forms are posted, in microseconds, and what was answered. */
async function measure(postgres, server, url, forms) {
  const before = await server.usage()
  let answers
  const { backend } = await postgres.cpuWhile(async () => {
    answers = await Promise.all(forms.map((form) => post(url, form)))
  })
  const spent = (await server.usage()) - before
  return { answers, sample: { server: spent / forms.length, backend: backend / forms.length } }
}

/** Starts a server with a client and a person who is signed in. */
async function prepare(postgres, name) {
  const server = await startServer(name, await postgres.createDatabase())
  const client = await createClient(server)
  return { server, client, browser: await client.signIn() }
}

async function measureRound(postgres, { server, client, browser }) {
  const forms = []
  while (forms.length < SLICE) forms.push(await client.authorize(browser))
  const code = await measure(postgres, server, client.tokenUrl, forms)
  const refreshForms = code.answers.map((answer) => client.refreshForm(answer.refresh_token))
  const refresh = await measure(postgres, server, client.tokenUrl, refreshForms)
  return { code: code.sample, refresh: refresh.sample }
}

/** Measures and returns `{ rows, comparisons }`. */
export async function measureTokenEndpoint(postgres) {
  const names = ['ours', 'oidc-provider']
  if (installPeers() !== undefined) names.push('better-auth')
  const prepared = {}
  for (const name of names) prepared[name] = await prepare(postgres, name)
  const samples = await interleave(
    prepared,
    { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS },
    (each) => measureRound(postgres, each),
  )
  for (const { server } of Object.values(prepared)) server.stop()
  agent.destroy()

  const rows = []
  const comparisons = []
  for (const operation of ['code', 'refresh']) {
    const of = (name, value) => samples[name].map((sample) => value(sample[operation]))
    const inServer = ({ server }) => server
    const together = ({ server, backend }) => server + backend
    for (const name of names) {
      rows.push({
        operation,
        name,
        server: typical(of(name, inServer)),
        backend: typical(of(name, ({ backend }) => backend)),
      })
    }
    const ours = (value) => of('ours', value)
    if (names.includes('better-auth')) {
      const ratio = ratioOf(ours(together), of('better-auth', together))
      comparisons.push(compare(operation, 'better-auth on PostgreSQL', ratio, OF_BETTER_AUTH))
    }
    const ratio = ratioOf(ours(inServer), of('oidc-provider', inServer))
    comparisons.push(compare(operation, 'oidc-provider in memory', ratio, OF_OIDC_PROVIDER))
  }
  return { rows, comparisons }
}
