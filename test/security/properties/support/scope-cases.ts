import fc from 'fast-check'
import type {
  Operation,
  ScopeOptions,
} from '../../../../packages/mcp-auth-middleware/src/resource-server/operation-scopes.js'
import type { ScopeCase } from './scope-oracle.js'

/** Scopes that contain, begin and end one another. */
const SCOPES = ['a', 'ab', 'b', 'read', 'read:all', 'readonly', 'xread', 'write', 'READ']
const NAMES = ['a', 'ab', 'abc', 'abcd', 'b', '__proto__', 'constructor', 'a*']

export const anyScope = fc.constantFrom(...SCOPES)
const scopes = fc.uniqueArray(anyScope, { maxLength: 3 })

const table = fc.option(
  fc.dictionary(fc.constantFrom('a', 'ab', 'abc', '*', 'a*', 'ab*', 'abcd*'), scopes, {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  { nil: undefined },
)

/** `undefined` stands for a member that is missing or no text. */
const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('tools', 'resources', 'prompts'),
  name: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
})

const options: fc.Arbitrary<ScopeOptions> = fc
  .record({
    required: scopes,
    tools: table,
    resources: table,
    prompts: table,
    others: scopes,
    // Chains, diamonds and circles.
    implies: fc.dictionary(anyScope, scopes, { maxKeys: 4, noNullPrototype: true }),
  })
  .map(({ others, tools, resources, prompts, ...rest }) => ({
    ...rest,
    ...(tools && { tools, otherTools: others }),
    ...(resources && { resources, otherResources: others }),
    ...(prompts && { prompts, otherPrompts: others }),
  }))

/** Requests of one or several operations, by callers who have some, all or none of their scopes. */
export const scopeCases: fc.Arbitrary<ScopeCase> = fc.record({
  options,
  granted: fc.uniqueArray(anyScope, { maxLength: SCOPES.length }),
  operations: fc.array(operation, { maxLength: 3 }),
})
