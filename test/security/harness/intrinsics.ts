/** The objects that hostile input would have to change to reach the code of others (P01). */
const INTRINSICS: ReadonlyMap<string, object> = new Map<string, object>([
  ['Object', Object],
  ['Object.prototype', Object.prototype],
  ['Array.prototype', Array.prototype],
  ['Function.prototype', Function.prototype],
  ['String.prototype', String.prototype],
  ['Number.prototype', Number.prototype],
  ['Boolean.prototype', Boolean.prototype],
  ['RegExp.prototype', RegExp.prototype],
  ['Date.prototype', Date.prototype],
  ['Error.prototype', Error.prototype],
  ['Promise.prototype', Promise.prototype],
  ['Map.prototype', Map.prototype],
  ['Set.prototype', Set.prototype],
  ['Uint8Array.prototype', Uint8Array.prototype],
  ['JSON', JSON],
])

/** The own properties of the intrinsics at one moment. */
export type IntrinsicsRecord = ReadonlyMap<string, ReadonlyMap<PropertyKey, PropertyDescriptor>>

/** Remembers every own property, symbols and accessors included. */
export function recordIntrinsics(): IntrinsicsRecord {
  return new Map(
    [...INTRINSICS].map(([name, object]) => [
      name,
      new Map(
        Reflect.ownKeys(object).map((key) => [
          key,
          Reflect.getOwnPropertyDescriptor(object, key) ?? {},
        ]),
      ),
    ]),
  )
}

function isSame(left: PropertyDescriptor, right: PropertyDescriptor): boolean {
  return Object.is(left.value, right.value) && left.get === right.get && left.set === right.set
}

/** Names what was added, removed or replaced since, such as `Object.prototype.polluted was added`. */
export function changedIntrinsics(before: IntrinsicsRecord): readonly string[] {
  const changes: string[] = []
  for (const [name, after] of recordIntrinsics()) {
    const former = before.get(name) ?? new Map<PropertyKey, PropertyDescriptor>()
    for (const [key, descriptor] of after) {
      const known = former.get(key)
      if (known === undefined) changes.push(`${name}.${String(key)} was added`)
      else if (!isSame(known, descriptor)) changes.push(`${name}.${String(key)} was replaced`)
    }
    for (const key of former.keys()) {
      if (!after.has(key)) changes.push(`${name}.${String(key)} was removed`)
    }
  }
  return changes
}
