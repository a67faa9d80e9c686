// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { describe, expect, it } from 'vitest'
import { placeholderReason } from '../../src/token-store/placeholder.js'

describe('placeholderReason()', () => {
  it.each([
    ['', 'is empty'],
    [' \n', 'is only white space'],
    ['${CODA_API_TOKEN}', 'is an unresolved placeholder'],
    ['${CODA_API_TOKEN:-}', 'is an unresolved placeholder'],
    ['$(CODA_API_TOKEN)', 'is an unresolved placeholder'],
    ['$CODA_API_TOKEN', 'is an unresolved placeholder'],
    ['{{ coda_token }}', 'is an unresolved placeholder'],
    ['***', 'is a masked value, not the secret itself'],
    ['abcd****wxyz', 'is a masked value, not the secret itself'],
    ['\u2022\u2022\u2022\u2022', 'is a masked value, not the secret itself'],
    ['[REDACTED]', 'is a masked value, not the secret itself'],
  ])('says that %j %s', (value, reason) => {
    expect(placeholderReason(value)).toBe(reason)
  })

  it.each(['x', 'a${HOME}b', '$1', '**', 'pass*word', '$lower', '{"a":1}', '0e9b1c3d-5f1a'])(
    'accepts %j',
    (value) => {
      expect(placeholderReason(value)).toBeUndefined()
    },
  )
})
