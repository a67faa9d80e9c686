import { existsSync, readFileSync } from 'node:fs'
import { createRows } from './rows.mjs'
import { createTokens } from './tokens.mjs'
import { startKeys, startServer } from './world.mjs'

const WYCHEPROOF = new URL('../../../../shared/wycheproof/', import.meta.url)
const CANARY = 'canary-5b1f'
const FLOOD = 50

/** Runs a part of the suite with a server and a key set of its own. */
async function withServer(name, keys, run) {
  const served = await startKeys(keys)
  try {
    const server = await startServer(name, served)
    try {
      return await run(server, served)
    } finally {
      await server.stop()
    }
  } finally {
    await served.close()
  }
}

const bearer = (token) => ({ headers: ['Authorization', `Bearer ${token}`] })
const row = (group, id, what, isRight, seen) => ({ group, id, what, isRight, seen })

function describeAnswer({ status, challenge }) {
  if (status === 0) return 'no answer in 8 s'
  const code = /error="([^"]*)"/.exec(challenge)?.[1]
  return code === undefined ? String(status) : `${status} ${code}`
}

/** Without this a server that refuses everything would look best. */
async function expectWorking({ name, send }, token) {
  const { status } = await send(bearer(token))
  if (status !== 200) throw new Error(`${name} refuses a good token: ${status}`)
}

async function runInputs(name) {
  const tokens = createTokens()
  return withServer(name, [tokens.jwk], async (server) => {
    await expectWorking(server, tokens.token())
    const results = []
    for (const [group, rows] of Object.entries(createRows(tokens))) {
      for (const [id, what, input, isRight] of rows) {
        const answer = await server.send(input)
        results.push(row(group, id, what, isRight(answer), describeAnswer(answer)))
      }
    }
    await expectWorking(server, tokens.token())
    return results
  })
}

/** The key endpoint fails before a key was ever read: 503, and no fetch for each request. */
async function runColdOutages(name, modes) {
  const results = []
  for (const mode of modes) {
    const tokens = createTokens()
    const part = await withServer(name, [tokens.jwk], async (server, keys) => {
      keys.answer(mode)
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => server.send(bearer(tokens.token()))),
      )
      const seen = [...new Set(answers.map(describeAnswer))].join(', ')
      const isOutage = answers.every(({ status }) => status === 503)
      return row('outages', 'K05', `keys answer ${mode}, cold: 503 in time`, isOutage, seen)
    })
    results.push(part)
  }
  return results
}

async function runFlood(name) {
  const tokens = createTokens()
  return withServer(name, [tokens.jwk], async (server, keys) => {
    await expectWorking(server, tokens.token())
    keys.answer('500')
    const before = keys.fetches()
    for (let index = 0; index < FLOOD; index += 1) {
      await server.send(bearer(tokens.token({}, { kid: `unknown-${index}` })))
    }
    const fetches = keys.fetches() - before
    const what = `${FLOOD} unknown key ids while the endpoint fails: at most 1 fetch`
    const known = await server.send(bearer(tokens.token()))
    return [
      row('outages', 'K03', what, fetches <= 1, `${fetches} fetches`),
      row(
        'outages',
        'K08',
        'a known key meanwhile: accepted',
        known.status === 200,
        describeAnswer(known),
      ),
    ]
  })
}

/** Tokens and errors that must not come back, in answers or in what the process prints. */
async function runLeaks(name) {
  const tokens = createTokens()
  return withServer(name, [tokens.jwk], async (server, keys) => {
    await expectWorking(server, tokens.token())
    const inputs = [
      ['a token that is no JWT', bearer(CANARY)],
      ['a claim of a refused token', bearer(tokens.token({ iss: CANARY }))],
      ['an audience of a refused token', bearer(tokens.token({ aud: CANARY }))],
      ['a key id', bearer(tokens.token({}, { kid: CANARY }))],
      ['a header of a token', bearer(tokens.token({}, { crit: [CANARY], [CANARY]: 1 }))],
      ['a scheme', { headers: ['Authorization', `${CANARY} x`] }],
    ]
    const results = []
    for (const [what, input] of inputs) {
      const answer = await server.send(input)
      const { all = '', text, status } = answer
      const isQuiet = ![all, text, server.output()].some((each) => each.includes(CANARY))
      results.push(
        row(
          'leaks',
          'P07',
          `${what} does not come back`,
          isQuiet && status !== 0,
          isQuiet ? describeAnswer(answer) : 'comes back',
        ),
      )
    }
    keys.answer('html')
    const { all = '', text } = await server.send(bearer(tokens.token({}, { kid: 'other' })))
    const told = [all, text].some((each) => /127\.0\.0\.1|jwks\.json|canary/.test(each))
    results.push(
      row('leaks', 'P07', 'the address of the keys is not told', !told, told ? 'told' : 'not told'),
    )
    return results
  })
}

function readVectors() {
  const names = ['signature', 'crypto', 'key']
  return names.flatMap((file) => {
    const path = new URL(`json_web_${file}_test.json`, WYCHEPROOF)
    const { testGroups } = JSON.parse(readFileSync(path, 'utf8'))
    return testGroups.flatMap(({ public: publicKey, private: privateKey, tests }) => {
      const key = publicKey ?? privateKey
      return tests
        .filter(({ jws }) => typeof jws === 'string')
        .map(({ tcId, jws }) => ({ id: `${file} ${tcId}`, jws, keys: key.keys ?? [key] }))
    })
  })
}

/**
 * Publishes all public keys of the Wycheproof JWS files beside a good one, and sends every vector. Their
 * payloads are no access tokens, so that none may pass and none may be an error of the server.
 */
async function runWycheproof(name) {
  if (!existsSync(WYCHEPROOF)) return []
  const vectors = readVectors()
  const tokens = createTokens()
  const isPublic = ({ kty, d }) => kty !== 'oct' && d === undefined
  const unique = new Map(
    vectors.flatMap(({ keys }) => keys.filter(isPublic)).map((key) => [JSON.stringify(key), key]),
  )
  // A set is read up to 100 keys.
  const keys = [tokens.jwk, ...[...unique.values()].filter(({ kid }) => kid !== 'k1').slice(0, 90)]
  return withServer(name, keys, async (server) => {
    const good = await server.send(bearer(tokens.token()))
    const wrong = { accepted: [], failed: [] }
    for (const { id, jws } of vectors) {
      if (/[^\x21-\x7e]/.test(jws)) continue
      const { status } = await server.send(bearer(jws))
      if (status === 200) wrong.accepted.push(id)
      if (status === 0 || status >= 500) wrong.failed.push(id)
    }
    const { accepted, failed } = wrong
    return [
      row(
        'Wycheproof',
        'J53',
        'a good key beside the weak ones is used',
        good.status === 200,
        describeAnswer(good),
      ),
      row(
        'Wycheproof',
        'J52',
        `${vectors.length} JWS vectors: none accepted`,
        accepted.length === 0,
        `${accepted.length} accepted`,
      ),
      row(
        'Wycheproof',
        'J52',
        `${vectors.length} JWS vectors: no error 5xx`,
        failed.length === 0,
        `${failed.length} errors`,
      ),
    ]
  })
}

/** How the key endpoint fails before a key was ever read, each with a server of its own. */
export const COLD_OUTAGES = ['500', 'html', 'reset', 'hang']

/** Runs the whole suite against one candidate of `bench/candidates`. */
export async function runSuite(name, coldOutages = COLD_OUTAGES) {
  const results = await runInputs(name)
  results.push(...(await runColdOutages(name, coldOutages)))
  for (const part of [runFlood, runLeaks, runWycheproof]) {
    results.push(...(await part(name)))
  }
  return results
}
