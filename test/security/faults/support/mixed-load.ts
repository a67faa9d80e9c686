import { Agent } from 'node:http'
import type { TokenFault } from '@bestviable/mcp-auth-middleware/testing'
import { startSteadyTraffic } from '../../../../examples/coda-mcp/test/support/steady-traffic.js'
import type { App } from './app.js'
import { type Exchange, exchange, refreshSending, rpc, type Sending, whoami } from './exchange.js'
import { type Stage, subjectOf, USERS } from './stage.js'
import { isBlamed, type Kind, type Verdict, verdictOf } from './verdicts.js'

/** One answer with what was asked and what it is worth. */
export interface Judged extends Exchange {
  readonly kind: Kind
  readonly verdict: Verdict
}

/** Good and bad requests at a steady rate, to all replicas in turn. */
export interface MixedLoad {
  readonly answers: readonly Judged[]
  /** Answers of some kinds that were sent from one moment until another, of `performance.now()`. */
  between(from: number, to: number, ...kinds: readonly Kind[]): readonly Judged[]
  /** Answers to good credentials that called them bad. */
  blamed(): readonly Judged[]
  /** What was wrong, each kind once. */
  wrong(): readonly string[]
  /** Sends no more, and waits for what is under way. */
  stop(): Promise<void>
}

/** 100 requests per second. */
const TICK_MILLISECONDS = 10
/** More of a kind are not sent at once: on a busy machine the load is less, not a queue. */
const MOST_PENDING = 50
/** In ten requests: two bad ones, and one without a credential. */
const MIX: readonly Kind[] = [
  'signed',
  'bad',
  'tool',
  'issued',
  'signed',
  'refresh',
  'bad',
  'tool',
  'signed',
  'none',
]
const FAULTS: readonly TokenFault[] = [
  'expired',
  'wrong-audience',
  'wrong-issuer',
  'foreign-key-same-kid',
]

/** Options for {@link startMixedLoad}. */
export interface MixedLoadOptions {
  /** Apps that refresh, one request at a time each. */
  readonly apps: readonly App[]
  /** Kinds that are left out. */
  readonly without?: readonly Kind[] | undefined
  /** Where requests are sent. Default: to the replicas in turn. */
  readonly origins?: (() => readonly string[]) | undefined
}

/** Starts a load of 100 requests per second. */
export async function startMixedLoad(
  { issuer, replicas }: Pick<Stage, 'issuer' | 'replicas'>,
  { apps, without = [], origins = () => replicas.map(({ url }) => url) }: MixedLoadOptions,
): Promise<MixedLoad> {
  const agent = new Agent({ keepAlive: true })
  const good = await Promise.all(
    Array.from({ length: USERS }, (_, user) => issuer.token({ sub: subjectOf(user) })),
  )
  const bad = await Promise.all(FAULTS.map((fault) => issuer.faulty(fault)))
  const idle = [...apps]
  const answers: Judged[] = []

  /** How many of a kind are under way. */
  const pending = new Map<Kind, number>()

  async function ask(kind: Kind, origin: string, sending: Sending): Promise<Judged> {
    pending.set(kind, (pending.get(kind) ?? 0) + 1)
    const answer = await exchange(origin, sending)
    pending.set(kind, (pending.get(kind) ?? 1) - 1)
    const judged = { ...answer, kind, verdict: verdictOf(kind, answer) }
    answers.push(judged)
    return judged
  }

  async function refreshAt(origin: string): Promise<void> {
    const app = idle.shift()
    if (app === undefined) return
    const { refresh_token: refreshToken } = app.tokens
    const answer = await ask('refresh', origin, refreshSending(agent, app.clientId, refreshToken))
    if (answer.verdict === 'right') app.tokens = JSON.parse(answer.text)
    idle.push(app)
  }

  // Somebody else in each call, since what is read of a person is kept for a minute.
  let user = Math.floor(Math.random() * USERS)
  const sendings: Readonly<Record<Exclude<Kind, 'refresh'>, (tick: number) => Sending>> = {
    signed: (tick) => rpc(agent, good[tick % good.length], 'ping'),
    issued: (tick) => rpc(agent, apps[tick % apps.length]?.tokens.access_token, 'ping'),
    tool: () => whoami(agent, good[user++ % good.length] ?? ''),
    bad: (tick) => rpc(agent, bad[tick % bad.length], 'ping'),
    none: () => rpc(agent, undefined, 'ping'),
  }

  const traffic = startSteadyTraffic(TICK_MILLISECONDS, async (tick) => {
    const kind = MIX[tick % MIX.length] ?? 'signed'
    const all = origins()
    // Not in step with the mix, so that every replica gets all of it.
    const origin = all[Math.floor(tick / MIX.length + tick) % all.length]
    if (origin === undefined || without.includes(kind)) return
    if ((pending.get(kind) ?? 0) >= MOST_PENDING) return
    if (kind === 'refresh') await refreshAt(origin)
    else await ask(kind, origin, sendings[kind](Math.floor(tick / MIX.length)))
  })

  return {
    answers,
    between: (from, to, ...kinds) =>
      answers.filter(
        ({ kind, sentAt }) => sentAt >= from && sentAt < to && (!kinds[0] || kinds.includes(kind)),
      ),
    blamed: () => answers.filter((answer) => isBlamed(answer.kind, answer)),
    wrong: () => [
      ...new Set(
        answers
          .filter(({ verdict }) => verdict === 'wrong')
          .map(({ kind, status, text }) => `${kind}: ${status} ${text.slice(0, 300)}`),
      ),
    ],
    async stop() {
      await traffic.stop()
      agent.destroy()
      if (traffic.failures.length > 0) throw new Error(traffic.failures.join('\n'))
    },
  }
}
