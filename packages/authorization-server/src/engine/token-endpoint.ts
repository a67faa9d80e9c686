import { createHash } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import { withinClientLimits } from '../limits/client-limits.js'
import type { Storage } from '../storage/storage.js'
import { proofThumbprint, readProof } from './dpop-proof.js'
import type { Engine } from './engine.js'
import type { EngineResponse } from './engine-call.js'
import { createEngineScope, type EngineScope } from './engine-scope.js'
import { checkBasicHeader, readForm } from './form-endpoint.js'
import {
  type Answer,
  type EndpointRequest,
  engineAnswer,
  jsonAnswer,
  NO_STORE,
  oauthError,
} from './http.js'
import { IDENTITY_FACTS } from './identity-facts.js'
import { prepareClient } from './prepare-client.js'
import { findReplay, judgeReplay, keepReplay } from './refresh-replay.js'
import { askScopePolicy } from './scope-decision.js'
import { keepUsedJwts, type UsedJwt } from './single-use.js'

/** A repeated exchange within this time is a proxy's duplicate, in seconds. */
const DUPLICATE_SECONDS = 10

/** Undoes the transaction and gives this answer: nothing happened but that JWTs were used. */
class Undone extends Error {
  readonly answer: Answer
  /** Empty when the same request may come again. */
  readonly usedJwts: readonly UsedJwt[]

  constructor(answer: Answer, usedJwts: readonly UsedJwt[] = []) {
    super('undone')
    this.answer = answer
    this.usedJwts = usedJwts
  }
}

/** What is left to do after the commit. */
interface Aftermath {
  readonly revoked: Set<string>
  /** Client that got tokens. */
  clientId: string | undefined
}

/** What was looked up before the transaction. */
type Prepared = Pick<EngineScope, 'documents' | 'scopeDecision'>

interface Grant {
  /** Kind of record that the presented code or token is. */
  readonly model: 'AuthorizationCode' | 'RefreshToken'
  readonly value: string
}

function grantOf(form: URLSearchParams): Grant | undefined {
  const type = form.get('grant_type')
  if (type === 'authorization_code') {
    return { model: 'AuthorizationCode', value: form.get('code') ?? '' }
  }
  if (type === 'refresh_token') {
    return { model: 'RefreshToken', value: form.get('refresh_token') ?? '' }
  }
  return undefined
}

function hasVerifier(record: AdapterPayload, form: URLSearchParams): boolean {
  const digest = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  return digest === record.codeChallenge
}

function replayRequest(form: URLSearchParams, record: AdapterPayload | undefined, jkt: string) {
  return {
    clientId: record?.clientId ?? '',
    scope: (form.get('scope') ?? '').split(' ').filter(Boolean).sort().join(' '),
    resource: form.get('resource') ?? '',
    jkt,
  }
}

/** Spells the resource as it is configured; an unknown one is left for the engine to refuse. */
export function normalizeResource(engine: Engine, form: URLSearchParams): void {
  const given = form.get('resource')
  const known = given === null ? undefined : engine.parts.resources.find(given)
  if (known !== undefined) form.set('resource', known.resource)
}

/** Decides, before the engine sees it, what reuse of a spent code or token means. */
async function judgeReuse(
  engine: Engine,
  grant: Grant,
  record: AdapterPayload,
  form: URLSearchParams,
  jkt: string,
): Promise<'replay' | 'harmless' | 'reuse'> {
  const { storage, now } = engine.parts
  if (grant.model === 'AuthorizationCode') {
    const age = now() / 1000 - Number(record.consumed)
    return age <= DUPLICATE_SECONDS && hasVerifier(record, form) ? 'harmless' : 'reuse'
  }
  const request = { ...replayRequest(form, record, jkt), now: now() }
  const verdict = await judgeReplay(storage, grant.value, request)
  if (verdict === 'late') return 'reuse'
  return verdict === 'replay' ? 'replay' : 'harmless'
}

function tokenAnswer(response: EngineResponse): Answer {
  return engineAnswer(response, NO_STORE)
}

/**
 * The answer to an exchange that the engine has refused. Clients sign in again after `invalid_grant`;
 * after `invalid_target`, where the address of the server has changed, they try the same for ever.
 */
function refusedAnswer(grant: Grant | undefined, response: EngineResponse): Answer {
  const isTarget = response.body.includes('"error":"invalid_target"')
  if (grant?.model !== 'RefreshToken' || !isTarget) return tokenAnswer(response)
  return oauthError(400, 'invalid_grant', 'the refresh token is not for this resource')
}

/** Ends a family whose code or token was used again, unless the engine has done so already. */
async function settleReuse(
  engine: Engine,
  grant: Grant,
  record: AdapterPayload,
  scope: EngineScope,
): Promise<boolean> {
  const { grantId, clientId, accountId } = record
  // Whoever is not the client of the code must not be able to end its grant.
  if (scope.clientId === undefined || scope.clientId !== clientId || grantId === undefined) {
    return false
  }
  if (!scope.revokedGrants.has(grantId)) {
    scope.revokedGrants.add(grantId)
    await engine.revokeGrant(grantId)
  }
  await engine.parts.events.record({
    event: grant.model === 'AuthorizationCode' ? 'code.reuse' : 'token.reuse',
    outcome: 'denied',
    reason: 'grant_revoked',
    actor: { issuer: engine.parts.issuer, subject: accountId ?? clientId, clientId },
  })
  return true
}

async function settleSuccess(
  engine: Engine,
  grant: Grant | undefined,
  form: URLSearchParams,
  record: AdapterPayload | undefined,
  jkt: string,
  scope: EngineScope,
  response: EngineResponse,
): Promise<void> {
  const { storage, events, now, issuer } = engine.parts
  if (grant?.model === 'RefreshToken') {
    const replay = replayRequest(form, record, jkt)
    const request = { ...replay, grantId: record?.grantId, now: now() }
    await keepReplay(storage, grant.value, request, response.body)
  }
  const clientId = scope.clientId ?? ''
  const event = {
    event: grant?.model === 'RefreshToken' ? 'token.refresh' : 'token.issue',
    outcome: 'done',
    actor: { issuer, subject: record?.accountId ?? clientId, clientId },
  } as const
  // A refresh is no change of who may do what; the trail would grow by every token.
  if (grant?.model === 'RefreshToken') events.tell(event)
  else await events.record(event)
}

async function exchange(
  engine: Engine,
  request: EndpointRequest,
  form: URLSearchParams,
  prepared: Prepared,
  after: Aftermath,
): Promise<Answer> {
  const { storage, now } = engine.parts
  const grant = grantOf(form)
  if (grant !== undefined && grant.value !== '') {
    await storage.lock(grant.model, grant.value, { modelOfUser: IDENTITY_FACTS })
  }
  const record =
    grant === undefined || grant.value === ''
      ? undefined
      : await storage.records(grant.model).find(grant.value)
  const jkt = await proofThumbprint(readProof(request))
  const reuse =
    grant !== undefined && record?.consumed !== undefined
      ? await judgeReuse(engine, grant, record, form, jkt)
      : undefined

  const scope = createEngineScope({
    ...prepared,
    spareGrant: reuse === 'replay' || reuse === 'harmless',
    mayFetch: false,
  })
  const response = await engine.call({ request, form: new URLSearchParams(form) }, scope)
  if (response.status === 200) {
    await settleSuccess(engine, grant, form, record, jkt, scope, response)
    after.clientId = scope.clientId
    return tokenAnswer(response)
  }
  if (response.status >= 500) throw new Undone(tokenAnswer(response))
  // The engine found nothing wrong but the reuse, so the client and the account are still good.
  if (reuse === 'replay' && scope.spared && grant !== undefined) {
    const stored = await findReplay(storage, grant.value, now())
    if (stored !== undefined) throw new Undone(jsonAnswer(200, stored), scope.usedJwts)
  }
  if (reuse === 'reuse' && grant !== undefined && record !== undefined) {
    if (await settleReuse(engine, grant, record, scope)) {
      for (const grantId of scope.revokedGrants) after.revoked.add(grantId)
      return tokenAnswer(response)
    }
  }
  // The engine uses a code up before it looks at the resource; an error must leave it usable.
  throw new Undone(refusedAnswer(grant, response), scope.usedJwts)
}

/**
 * Answers `/oauth/token`. Each request is one transaction that locks the code or refresh token first,
 * and is answered only after the commit.
 */
export async function answerToken(engine: Engine, request: EndpointRequest): Promise<Answer> {
  const read = await readForm(request)
  if (!read.ok) return read.answer
  const refusal = checkBasicHeader(request, engine.parts.issuer)
  if (refusal !== undefined) return refusal
  const { form } = read
  return withinClientLimits(engine.parts, request, form, () => answerForm(engine, request, form))
}

/**
 * Counts the use of a client. Not in the transaction, which holds the token: who ends a client locks both
 * the other way round. A use that is not counted does no harm.
 */
async function countUse(storage: Storage, clientId: string | undefined): Promise<void> {
  if (clientId === undefined) return
  await storage.clients.touch(clientId).catch(() => undefined)
}

async function answerForm(
  engine: Engine,
  request: EndpointRequest,
  form: URLSearchParams,
): Promise<Answer> {
  normalizeResource(engine, form)

  // The transaction must not wait for a server elsewhere, nor for code of the application.
  const client = await prepareClient(engine, request, form)
  if (!client.ok) return client.answer
  const { documents } = client
  const scopeDecision = await askScopePolicy(engine, request, form, documents)
  const prepared: Prepared = { documents, scopeDecision }
  const { storage } = engine.parts
  const after: Aftermath = { revoked: new Set(), clientId: undefined }
  const invalidGrant = oauthError(400, 'invalid_grant', 'grant request is invalid')
  try {
    const answer = await storage.transaction(() => {
      after.clientId = undefined
      return exchange(engine, request, form, prepared, after)
    })
    await countUse(storage, after.clientId)
    return answer
  } catch (error) {
    if (error instanceof Undone) {
      const isFirst = await keepUsedJwts(storage, error.usedJwts)
      // A request that is sent twice at once: what proves it is good for one answer.
      return isFirst || error.answer.status !== 200 ? error.answer : invalidGrant
    }
    // Only without the lock: somebody else used it in between.
    if (error instanceof Error && error.name === 'AlreadyConsumedError') {
      return invalidGrant
    }
    throw error
  } finally {
    if (after.revoked.size > 0) await engine.feed.refresh()
  }
}
