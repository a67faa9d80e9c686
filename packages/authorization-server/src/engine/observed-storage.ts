import type { Storage } from '../storage/storage.js'
import { currentScope } from './engine-scope.js'

/** Runs a call on behalf of the engine and keeps its failure, which the engine would hide. */
export function observed<Value>(run: () => Promise<Value>): Promise<Value> {
  return run().catch(keepFailure)
}

function keepFailure(error: unknown): never {
  const scope = currentScope()
  if (scope !== undefined) scope.failure ??= error
  throw error
}

function observeMethods<Target extends object>(target: Target): Target {
  const entries = Object.entries(target).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'function'
      ? (...values: unknown[]) => observed(() => Reflect.apply(value, target, values))
      : value,
  ])
  // Same members with the same types: every method of these stores returns a promise.
  return Object.fromEntries(entries) as Target
}

/** The storage as code that the engine calls back has to use it. */
export function observeStorage(storage: Storage): Storage {
  const records = new Map<string, ReturnType<Storage['records']>>()
  return {
    ...storage,
    users: observeMethods(storage.users),
    clients: observeMethods(storage.clients),
    records(model) {
      const known = records.get(model) ?? observeMethods(storage.records(model))
      records.set(model, known)
      return known
    },
  }
}
