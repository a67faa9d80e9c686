import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createCanaries } from './canaries.js'
import {
  DEPENDENCY_MODES,
  type DependencyServer,
  startDependencyServer,
} from './dependency-server.js'
import { NODE_ENVIRONMENTS, variablesOf } from './node-environments.js'
import { compileProgram, startWatched, type WatchedProgram } from './watched-program.js'

describe('createCanaries()', () => {
  const canaries = createCanaries()
  const secret = canaries.mint('key')
  const base64 = (text: string): string => Buffer.from(text).toString('base64')

  it.each([
    ['plain', `x${secret}y`],
    ['reversed', [...secret].reverse().join('')],
    ['hex', Buffer.from(`x${secret}`).toString('hex')],
    ['HEX', Buffer.from(secret).toString('hex').toUpperCase()],
    ['in a JWT', Buffer.from(JSON.stringify({ sub: 'ann', key: secret })).toString('base64url')],
    ...['', 'x', 'xy', 'xyz'].map((start) => [`base64 ${start}`, base64(`${start}${secret}!`)]),
  ])('finds a secret that is written %s', (_name, text = '') => {
    expect(canaries.scan('log', text ?? '')).toMatchObject([{ name: 'key', place: 'log' }])
  })

  it('finds nothing where nothing is, and never repeats the secret', () => {
    expect(canaries.scan('log', `${secret.slice(0, -1)} ${base64('something else')}`)).toEqual([])
    expect(JSON.stringify(canaries.scan('log', secret))).not.toContain(secret)
  })

  it('refuses a secret that would be found by chance, and a name that is taken', () => {
    expect(() => canaries.watch('short', 'abc')).toThrow(TypeError)
    expect(() => canaries.mint('key')).toThrow(TypeError)
    expect(canaries.size).toBe(1)
  })
})

describe('a watched program', () => {
  let file: string
  let program: WatchedProgram

  beforeAll(async () => {
    file = await compileProgram(new URL('./failing-program.ts', import.meta.url))
    program = await startWatched({ file, env: variablesOf('production') })
  })
  afterAll(() => program.stop())

  it('is quiet as long as it does nothing', async () => {
    expect(await program.report()).toMatchObject({
      nodeEnv: 'production',
      changedIntrinsics: [],
      errors: [],
      warnings: [],
      outbound: [],
    })
  })

  it.each(NODE_ENVIRONMENTS)('runs under NODE_ENV %s', async (environment) => {
    const other = await startWatched({ file, env: variablesOf(environment) })
    expect((await other.report()).nodeEnv).toBe(environment ?? null)
    await other.stop()
  })

  it('is seen to open a connection, even one that is refused', async () => {
    await program.ask('connect', 1)
    expect((await program.report()).outbound).toEqual(['127.0.0.1:1'])
    expect((await program.report()).outbound).toEqual([])
  })

  it('is seen to block its event loop, by the CPU time that it used', async () => {
    await program.report()
    // The first looks after a reset only begin to measure.
    for (let count = 0; count < 5; count += 1) await program.ask('burn', 20)
    await program.ask('burn', 300)
    await program.ask('burn', 20)
    const { eventLoop } = await program.report()
    expect(eventLoop.cpu.max).toBeGreaterThan(250)
    expect(eventLoop.wall.max).toBeGreaterThan(250)
    expect((await program.report()).eventLoop.cpu.max).toBeLessThan(250)
  })

  it('is seen to warn, to write, and to change prototypes', async () => {
    await program.ask('warn')
    await program.ask('print', 'a line\n')
    await program.ask('pollute')
    await program.ask('replace')
    const report = await program.report()
    expect(report.warnings).toEqual(['Warning: something to look at'])
    expect(report.changedIntrinsics).toEqual([
      'Object.prototype.polluted was added',
      'Array.prototype.includes was replaced',
    ])
    await expect.poll(() => program.output.stderr).toContain('a line')
  })

  it('tells what an action threw', async () => {
    await expect(program.ask('fail')).rejects.toThrow('on purpose')
    await expect(program.ask('unknown')).rejects.toThrow('no action unknown')
  })

  it('ends by an error that nobody handled, as without a watch', async () => {
    await program.ask('reject')
    expect(await program.ended).toBe(1)
    expect(program.output.stderr).toContain('nobody looks')
    await expect(program.report()).rejects.toThrow('the program has ended')
  })
})

describe('startDependencyServer()', () => {
  let server: DependencyServer
  const right = { status: 200, body: { active: true } }

  beforeAll(async () => {
    server = await startDependencyServer({ answer: () => right, errorText: 'broken text' })
  })
  afterEach(() => server.respond('ok'))
  afterAll(() => server.close())

  /** What a caller gets in time: a status and a text, or that there was none. */
  async function call(milliseconds: number): Promise<string> {
    try {
      const signal = AbortSignal.timeout(milliseconds)
      const response = await fetch(server.url, { redirect: 'manual', signal })
      const text = await response.text()
      return `${response.status} ${text.length > 100 ? 'long' : text}`
    } catch {
      return 'none'
    }
  }

  it.each([
    ['ok', '200 {"active":true}'],
    ['error-500', '500 broken text'],
    ['error-429', '429 broken text'],
    ['html', '200 <!doctype html><title>broken text</title>'],
    ['empty', '200 '],
    ['redirect', '307 '],
    ['reset', 'none'],
    ['hang', 'none'],
    ['cut', 'none'],
    ['drip', 'none'],
  ] as const)('answers as it is told: %s', async (mode, expected) => {
    server.respond(mode)
    // An answer may take long on a busy machine; that there is none is known sooner.
    expect(await call(expected === 'none' ? 500 : 10_000)).toBe(expected)
  })

  it('sends more than anybody wants', async () => {
    server.respond('huge')
    const response = await fetch(server.url)
    const reader = response.body?.getReader()
    let size = 0
    while (size < 1024 * 1024) size += (await reader?.read())?.value?.length ?? 0
    await reader?.cancel()
    expect(DEPENDENCY_MODES).toContain('huge')
  })

  it('decides by the body of each request, and counts', async () => {
    const before = server.requests.length
    server.respond((body) => (body === 'fail' ? 'error-500' : 'ok'))
    const statuses = []
    for (const body of ['fail', 'pass']) {
      statuses.push((await fetch(server.url, { method: 'POST', body })).status)
    }
    expect(statuses).toEqual([500, 200])
    expect(server.requests.slice(before)).toEqual(['POST / fail', 'POST / pass'])
  })
})
