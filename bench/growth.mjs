/*
 * How costs grow: with the number of validators, of cached tokens, of connections and of replicas. A
 * report; each table has its own base to compare with.
 */
import { measureCachedTokens } from './growth/cached-tokens.mjs'
import { measureConnections } from './growth/connections.mjs'
import { measureReplicas } from './growth/replicas.mjs'
import { measureValidators } from './growth/validators.mjs'
import { reportTables } from './lib/measured-table.mjs'
import { isMain } from './lib/program.mjs'
import { benchVersions } from './lib/results.mjs'

export async function measureGrowth() {
  return [
    await measureValidators(),
    measureCachedTokens(),
    await measureConnections(),
    await measureReplicas(),
  ]
}

if (isMain(import.meta.url)) reportTables('growth', benchVersions(), await measureGrowth())
