import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordFigure } from '../support/figures.js'
import { type App, openApp, type TokenAnswer } from './support/app.js'
import { exchange, rpc, whoami } from './support/exchange.js'
import { expectAlive } from './support/recovery.js'
import { mountSmallVolume, type SmallVolume } from './support/small-volume.js'
import { engine, openStage, type Stage, subjectOf } from './support/stage.js'

/** So many refreshes fit at most into the pages that the tables have already. */
const MOST_REFRESHES = 400
const OUTAGES = 6

const outagesOf = (answers: readonly TokenAnswer[]): number =>
  answers.filter(({ status }) => status === 503).length

let volume: SmallVolume | undefined
let stage: Stage
let client: pg.Client
let app: App

/** Where no file system can be mounted, only the database itself can say that it has no room. */
const REFUSE = `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
  CREATE TRIGGER no_room BEFORE INSERT ON mcp_auth.oauth_tokens EXECUTE FUNCTION no_room()`
const ADMIT = 'DROP TRIGGER no_room ON mcp_auth.oauth_tokens; DROP FUNCTION no_room()'

/** A way in which the disk is full. */
interface Way {
  readonly part: string
  readonly how: string
  fill(): unknown
  empty(): unknown
}

const VOLUME: Way = {
  part: 'F05-disk-full',
  how: 'by filling the file system that holds all of PostgreSQL',
  fill: () => volume?.fill(),
  empty: () => volume?.empty(),
}
const RAISED: Way = {
  part: 'F05-disk-full-raised',
  how: 'by a trigger that raises 53100',
  fill: () => client.query(REFUSE),
  empty: () => client.query(ADMIT),
}

/** All that the authorization server keeps, so that half a rotation would show. */
async function readRows(): Promise<unknown> {
  const { rows } =
    await client.query(`SELECT count(*)::int AS count, count(consumed_at)::int AS spent,
    md5(string_agg(held::text, ',' ORDER BY token_type, token_id)) AS digest
    FROM mcp_auth.oauth_tokens AS held`)
  return rows[0]
}

beforeAll(async () => {
  if (engine === undefined) return
  volume = mountSmallVolume()
  const { TMPDIR } = process.env
  if (volume !== undefined) process.env.TMPDIR = volume.folder
  try {
    stage = await openStage()
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
  client = new pg.Client({ connectionString: stage.cluster.connectionString() })
  await client.connect()
  app = await openApp(stage)
}, 120_000)
afterAll(async () => {
  await client?.end()
  await stage?.close()
  await volume?.close()
}, 60_000)

describe.skipIf(engine === undefined)('a refresh while the disk of the database is full', () => {
  async function expectOutage({ part, how, fill, empty }: Way): Promise<void> {
    process.stderr.write(`[F05] the disk is full ${how}\n`)
    await fill()
    const answers: TokenAnswer[] = []
    // Pages that the tables have already take rows for a while.
    for (let count = 0; count < MOST_REFRESHES && outagesOf(answers) < OUTAGES; count++) {
      const before = await readRows()
      const answer = await app.refresh(stage.replicas[count % stage.replicas.length]?.url)
      answers.push(answer)
      if (answer.status !== 200) expect(await readRows()).toEqual(before)
    }
    expect(outagesOf(answers)).toBe(OUTAGES)
    const blamed = answers.filter(({ body }) => body.error === 'invalid_grant').length
    recordFigure({
      id: 'R4',
      part,
      values: {
        'refreshes during the fault': answers.length,
        'outages told as such': outagesOf(answers),
        'outages reported as invalid_grant': blamed,
      },
      isMet: blamed === 0,
      method: `Refreshes at two replicas while the disk of PostgreSQL was full, ${how}`,
    })
    for (const { status, body, headers } of answers) {
      if (status === 200) continue
      expect([status, body.error]).toEqual([503, 'temporarily_unavailable'])
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      expect(JSON.stringify(body)).not.toMatch(/space|disk|extend|base\//)
    }

    // What only reads goes on.
    const token = await stage.issuer.token({ sub: subjectOf(0) })
    const { access_token: issued } = app.tokens
    const reads = [
      await exchange(stage.front.origin, rpc(false, issued, 'ping')),
      await exchange(stage.front.origin, whoami(false, token)),
    ]
    expect(reads.map(({ status, text }) => [status, text.includes('"isError":true')])).toEqual([
      [200, false],
      [200, false],
    ])

    await empty()
    const back = performance.now()
    await expect.poll(async () => (await app.refresh()).status, { timeout: 20_000 }).toBe(200)
    const recovery = performance.now() - back
    for (const replica of stage.replicas) {
      expect((await app.refresh(replica.url)).status).toBe(200)
    }
    recordFigure({
      id: 'R8',
      part,
      values: { 'milliseconds until full service': Math.round(recovery) },
      isMet: recovery <= 5_000,
      method: `First refresh after the disk of PostgreSQL had room again, which was full ${how}`,
    })
    expect(recovery).toBeLessThan(5_000)
    expectAlive(stage.replicas)
  }

  const LEAVES = 'is told as an outage by both replicas, leaves no half of it, and works afterwards'

  it(`F05 ${LEAVES}`, async (context) => {
    if (volume === undefined) return context.skip('no file system can be mounted here')
    await expectOutage(VOLUME)
  }, 120_000)

  it(`F05 X31 raised by the database, ${LEAVES}`, () => expectOutage(RAISED), 120_000)
})
