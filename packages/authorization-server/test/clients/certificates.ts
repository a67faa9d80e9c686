import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A server certificate with its key, in PEM. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** Certificates for hosts under `.example`, and their authority. */
export interface Certificates {
  readonly ca: string
  readonly good: Certificate
  readonly expired: Certificate
  /** Good, but for another host. */
  readonly otherHost: Certificate
  readonly selfSigned: Certificate
}

/** Whether this machine can make certificates. */
export const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

const CONFIG = `
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
email_in_dn = no
unique_subject = no
copy_extensions = copy
[any]
commonName = optional
[req]
distinguished_name = name
[name]
`

/** Makes certificates with the openssl program. */
export function createCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-certificates-'))
  const run = (...parameters: string[]) =>
    execFileSync('openssl', parameters, { cwd: folder, stdio: 'ignore' })
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

  function issue(name: string, host: string, from: string, to: string): Certificate {
    const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host},DNS:*.${host}`]
    const request = ['-config', 'own.cnf', ...newKey, '-keyout', `${name}.key`]
    run('req', ...request, ...subject, '-out', `${name}.csr`)
    const signer = [
      '-config',
      'own.cnf',
      '-batch',
      '-notext',
      '-cert',
      'ca.pem',
      '-keyfile',
      'ca.key',
    ]
    const time = ['-startdate', from, '-enddate', to]
    run('ca', ...signer, ...time, '-in', `${name}.csr`, '-out', `${name}.pem`)
    return { key: read(`${name}.key`), cert: read(`${name}.pem`) }
  }

  try {
    writeFileSync(join(folder, 'own.cnf'), CONFIG)
    writeFileSync(join(folder, 'index.txt'), '')
    writeFileSync(join(folder, 'serial'), '01\n')
    const authority = ['-subj', '/CN=Test authority', '-days', '3650', '-out', 'ca.pem']
    const isAuthority = ['-addext', 'basicConstraints=critical,CA:TRUE']
    run(
      'req',
      '-x509',
      '-config',
      'own.cnf',
      ...newKey,
      '-keyout',
      'ca.key',
      ...isAuthority,
      ...authority,
    )
    const alone = ['-subj', '/CN=client.example', '-addext', 'subjectAltName=DNS:client.example']
    const own = ['-keyout', 'self.key', '-days', '3650', '-out', 'self.pem']
    run('req', '-x509', '-config', 'own.cnf', ...newKey, ...alone, ...own)
    const [past, future] = ['20200101000000Z', '20450101000000Z']
    return {
      ca: read('ca.pem'),
      good: issue('good', 'client.example', past, future),
      expired: issue('expired', 'client.example', past, '20210101000000Z'),
      otherHost: issue('other', 'other.example', past, future),
      selfSigned: { key: read('self.key'), cert: read('self.pem') },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
