import fc from 'fast-check'

const STRANGE = ['a', 'x', '0', ':', '/', '?', '#', '@', '%', '.', '[', ']', ' ', '\\', '\n']

const write = (
  parts: Readonly<Record<'scheme' | 'user' | 'host' | 'port' | 'path' | 'query', string>>,
) => `${parts.scheme}://${parts.user}${parts.host}${parts.port}${parts.path}${parts.query}`

/** What clients register, as registration lets it in. */
const registeredUri = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        scheme: fc.constant('http'),
        user: fc.constant(''),
        host: fc.constantFrom('127.0.0.1', '[::1]', 'localhost'),
        port: fc.constantFrom('', ':1', ':80', ':3000', ':65535'),
        path: fc.constantFrom('/cb', '/', '', '/cb/', '/%63b'),
        query: fc.constantFrom('', '', '?', '?x=1'),
      })
      .map(write),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        scheme: fc.constant('https'),
        user: fc.constant(''),
        host: fc.constantFrom('c.test', 'C.test', 'c.test.', 'localhost'),
        port: fc.constantFrom('', ':443', ':3000'),
        path: fc.constantFrom('/cb', '/', '', '/cb/', '/cb/../x'),
        query: fc.constantFrom('', '', '?x=1'),
      })
      .map(write),
  },
  { weight: 1, arbitrary: fc.constantFrom('com.example.app:/cb', 'com.example.app:/cb?x=1') },
)

/** Any combination of good and odd parts. */
const anyUri = fc
  .record({
    scheme: fc.constantFrom('http', 'http', 'https', 'HTTP', 'com.example.app'),
    user: fc.constantFrom('', '', '', '', 'u@', '127.0.0.1@', 'u:p@'),
    host: fc.constantFrom(
      ...['127.0.0.1', '[::1]', 'localhost', 'c.test', '127.0.0.2', '127.1', '0177.0.0.1'],
      ...['LOCALHOST', 'localhost.c.test', 'c.test.evil.test', '[::2]', '[0::1]', ''],
    ),
    port: fc.constantFrom(
      ...['', ':1', ':80', ':3000', ':65535', ':443', ':0', ':00080'],
      ...[':65536', ':', ':000080', ':-1', ':3000:1', ':x', ': 1', ':1\n'],
    ),
    path: fc.constantFrom('/cb', '/', '', '/cb/', '/CB', '/%63b', '/cb/../x', '/./cb', '/cbx'),
    query: fc.constantFrom('', '', '', '?', '?x=1', '?x=2', '#', '#x', '\\', ' ', '\n', '\t'),
  })
  .map(write)

const portOf = /(?<=^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::\d+)?(?=[/?]|$)/

/** Ways in which what is presented relates to one URI that is registered. */
const relations: fc.Arbitrary<(registered: string, other: string) => string> = fc.oneof(
  { weight: 2, arbitrary: fc.constant((_registered: string, other: string) => other) },
  { weight: 1, arbitrary: fc.constant((registered: string) => registered) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        '',
        ':1',
        ':80',
        ':3000',
        ':65535',
        ':0',
        ':65536',
        ':',
        ':99999',
        ':1:1',
        ':1@e.test',
      )
      .map((port) => (registered: string) => registered.replace(portOf, port)),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('127.0.0.1', '[::1]', 'localhost', '127.0.0.2', 'localhost.', 'u@localhost')
      .map(
        (host) => (registered: string) =>
          registered.replace(/127\.0\.0\.1|\[::1\]|localhost|c\.test/i, host),
      ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat({ max: 40 }), fc.constantFrom(...STRANGE), fc.nat({ max: 1 })).map(
      ([at, character, removed]) =>
        (registered: string) =>
          registered.slice(0, at) + character + registered.slice(at + removed),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('/', '?', '?x=1', '#', '#x', '/../x', '\n', ' ', '&x')
      .map((end) => (registered: string) => registered + end),
  },
)

/** A list of registered URIs, and one that is presented: often the same with one change. */
export const redirectCases: fc.Arbitrary<
  readonly [registered: readonly string[], presented: string]
> = fc
  .tuple(fc.array(registeredUri, { minLength: 1, maxLength: 3 }), relations, anyUri)
  .map(([registered, relate, other]) => [registered, relate(registered[0] ?? '', other)] as const)
