import fc from 'fast-check'
import type { GrammarCase } from './bearer-oracle.js'

const B64TOKEN = 'ABCXYZabcxyz0189-._~+/'
/** What is near the alphabet of a token, and what parsers trip over. */
const STRANGE = [
  '"',
  '\\',
  ',',
  ';',
  ':',
  '=',
  ' ',
  '\t',
  '\n',
  '\r',
  '\0',
  '\u00a0',
  '\u00ff',
  '<',
  '%',
  '\u{1f600}',
]

const letterCase = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) =>
      [...text].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''),
    )

const scheme = fc.oneof(
  { weight: 6, arbitrary: letterCase('bearer') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'Basic',
      'DPoP',
      'Token',
      'Digest',
      'Bearer2',
      'Beare',
      'XBearer',
      'Bearer-',
      'Bear er',
      '"Bearer"',
      ' Bearer',
      '',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
)

const separator = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(' ', '  ', '     ') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', '\t', ' \t', '\t ', '=', ':', ',', '\u00a0', '\r\n ', '%20'),
  },
)

const cleanToken = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(...B64TOKEN), minLength: 1, maxLength: 24 }),
    fc.constantFrom('', '', '', '=', '==', '==='),
  )
  .map(([text, padding]) => text + padding)

/** A good token with one foreign character somewhere, also in front of it and behind it. */
const spoiltToken = fc
  .tuple(cleanToken, fc.constantFrom(...STRANGE), fc.nat({ max: 30 }))
  .map(([text, foreign, at]) => text.slice(0, at) + foreign + text.slice(at))

const token = fc.oneof(
  { weight: 5, arbitrary: cleanToken },
  { weight: 4, arbitrary: spoiltToken },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '=',
      '==',
      'a=b',
      '"abc"',
      'a,b',
      'abc, Bearer def',
      'abc extra',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
)

const field = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(scheme, separator, token).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
)

const fields = fc.oneof(
  { weight: 8, arbitrary: field.map((one) => [one]) },
  { weight: 1, arbitrary: fc.array(field, { minLength: 2, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant<string[]>([]) },
)

/** `access_token` in the spellings of a query, and names that only resemble it. */
const parameter = fc
  .tuple(
    fc.constantFrom(
      'access_token',
      '%61ccess_token',
      'access%5Ftoken',
      'access%5ftoken',
      'Access_token',
      'access_token2',
      'x_access_token',
      'access+token',
      'access%token',
      'access_token%',
      'a',
      '',
    ),
    fc.constantFrom('', '=', '=x', '=x=y', '=access_token'),
  )
  .map((parts) => parts.join(''))

const target = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('/mcp', '/', '/mcp?', '/access_token=x') },
  {
    weight: 3,
    arbitrary: fc
      .array(parameter, { maxLength: 3 })
      .map((parameters) => `/mcp?${parameters.join('&')}`),
  },
)

/** Requests around the edge of the grammar: about as many good ones as bad ones. */
export const grammarCases: fc.Arbitrary<GrammarCase> = fc.record({ fields, target })
