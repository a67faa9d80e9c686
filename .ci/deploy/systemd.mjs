import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Exposure that is accepted, of 100: what is left are the network and the compiler of V8. */
const threshold = '20'

/** What systemd says of the unit file, in a root of its own, or why it cannot be asked. */
export function verifyUnit({ example, unit }) {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0)
    return { skipped: 'there is no systemd-analyze on this machine' }
  const root = mkdtempSync(join(tmpdir(), 'unit-'))
  try {
    const file = join(root, 'etc/systemd/system/coda-mcp.service')
    const program = unit.find(({ name }) => name === 'ExecStart')?.value.split(' ')[0] ?? '/missing'
    for (const path of [file, join(root, program)]) mkdirSync(dirname(path), { recursive: true })
    writeFileSync(join(root, program), '#!/bin/sh\n', { mode: 0o755 })
    for (const target of ['network-online', 'multi-user', 'basic', 'sysinit', 'shutdown']) {
      writeFileSync(join(dirname(file), `${target}.target`), '[Unit]\nDescription=stands for it\n')
    }
    cpSync(join(example, 'deploy/systemd/coda-mcp.service'), file)
    const verify = ['verify', '--man=no', `--root=${root}`, 'coda-mcp.service']
    const exposure = ['security', '--offline=true', '--no-pager', `--threshold=${threshold}`, file]
    const verified = spawnSync('systemd-analyze', verify, { encoding: 'utf8' })
    const judged = spawnSync('systemd-analyze', exposure, { encoding: 'utf8' })
    const said = `${verified.stdout}${verified.stderr}`.replaceAll(root, '').trim()
    return [
      ...(said === '' && verified.status === 0 ? [] : [`coda-mcp.service: ${said}`]),
      ...(judged.status === 0
        ? []
        : [`coda-mcp.service: ${judged.stdout.trim().split('\n').at(-1)}`]),
    ]
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

const hardening = {
  NoNewPrivileges: 'yes',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  PrivateDevices: 'yes',
  CapabilityBoundingSet: '',
  DynamicUser: 'yes',
}

/** Rules of this unit. */
export function checkUnit({ unit }) {
  const last = (name) => unit.findLast((setting) => setting.name === name)?.value
  return Object.entries(hardening)
    .filter(([name, value]) => last(name) !== value)
    .map(([name, value]) => `coda-mcp.service: ${name} must be ${JSON.stringify(value)}`)
}
