import { generateKeyPairSync } from 'node:crypto'

const COUNT = 8

/** Makes RSA keys once for a run, which would take longer than the tests if every mutant made its own. */
export function setup({ provide }) {
  const keys = Array.from({ length: COUNT }, () =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
      publicKeyEncoding: { format: 'pem', type: 'spki' },
    }),
  )
  provide(
    'rsaKeys',
    keys.map(({ privateKey }) => privateKey),
  )
}
