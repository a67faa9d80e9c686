/*
 * E36: time of an answer to a client that cannot prove who it is: wrong secrets of equal and of unequal
 * length, and a client that nobody knows. One request after the other, in another order each time.
 */
import { Agent, request } from 'node:http'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { median } from '../lib/program.mjs'
import { interleave } from '../stores/interleave.mjs'
import { startServer } from './processes.mjs'

const SAMPLES = Number(process.env.BENCH_SAMPLES ?? effort(4000, 20))
const WARM_UP = effort(500, 5)

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

async function registerConfidential(origin) {
  const response = await fetch(`${origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Bench',
      redirect_uris: ['https://app.test/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
    }),
  })
  return response.json()
}

/** Milliseconds until the refusal is read. */
function time(origin, clientId, secret) {
  const body =
    'grant_type=authorization_code&code=unknown&redirect_uri=https%3A%2F%2Fapp.test%2Fcallback'
  const headers = {
    authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': body.length,
  }
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const sent = request(
      `${origin}/oauth/token`,
      { agent, method: 'POST', headers },
      (response) => {
        response.resume().on('end', () => {
          if (response.statusCode === 401) resolve(performance.now() - start)
          else reject(new Error(`a wrong secret was answered ${response.statusCode}`))
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

export async function measureClientSecrets(postgres) {
  const server = await startServer('ours', await postgres.createDatabase())
  const { client_id: id, client_secret: secret } = await registerConfidential(server.origin)
  const wrong = (length) => 'x'.repeat(length)
  const cases = {
    'known client, wrong secret of equal length': [id, wrong(secret.length)],
    'known client, wrong secret of another length': [id, wrong(secret.length + 20)],
    'unknown client': [`${id.slice(0, -4)}zzzz`, wrong(secret.length)],
  }
  const samples = await interleave(
    cases,
    { rounds: SAMPLES, warmUpRounds: WARM_UP },
    ([clientId, given]) => time(server.origin, clientId, given),
  )
  server.stop()
  agent.destroy()
  const medians = Object.values(samples).map(median)
  const fastest = Math.min(...medians)
  return measuredTable(
    'client-secrets',
    `Time of an answer to a client that cannot prove who it is, ${SAMPLES} each`,
    [
      ['median ms', 3],
      ['of the fastest', 3],
    ],
    Object.keys(samples).map((label, index) => ({
      label,
      role: 'ours',
      values: [medians[index], medians[index] / fastest],
    })),
  )
}
