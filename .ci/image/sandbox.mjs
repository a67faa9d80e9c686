// A root file system of its own for a command, by namespaces of Linux in place of a container engine.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

/** What stands for the base image: the programs of this machine, read-only. */
const system = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'etc']
const places = ['proc', 'dev', 'tmp', 'root', 'run', 'var']

/** Why there can be no sandbox here, or nothing. */
export function whyNoSandbox() {
  if (process.platform !== 'linux') return 'it needs the namespaces of Linux'
  const tried = spawnSync('unshare', [
    '--mount',
    '--pid',
    '--fork',
    'mount',
    '-t',
    'tmpfs',
    'none',
    '/mnt',
  ])
  if (tried.status !== 0) return 'this user may not make namespaces and mounts'
  if (!process.execPath.startsWith('/usr/')) {
    return `Node.js is in ${process.execPath}, and only what is in /usr can stand for the base image`
  }
  return undefined
}

/** Makes the folder of a root file system, with the base image to be mounted into it. */
export function makeRoot(root) {
  for (const name of [...system, ...places]) {
    const path = join(root, name)
    if (system.includes(name) && !existsSync(`/${name}`)) continue
    if (existsSync(`/${name}`) && lstatSync(`/${name}`).isSymbolicLink()) {
      symlinkSync(readlinkSync(`/${name}`), path)
    } else mkdirSync(path, { recursive: true })
  }
}

// $1 root, $2 node, $3 "ro" or "rw", $4 writable volume or "", $5 user, $6 cache of npm or "", $7 workdir
const script = `
set -e
root=$1 node=$2 mode=$3 volume=$4 user=$5 cache=$6 workdir=$7
shift 7
mount --bind "$root" "$root"
for name in ${system.join(' ')}; do
  [ -d "$root/$name" ] && [ ! -L "$root/$name" ] || continue
  mount --rbind "/$name" "$root/$name"
  mount -o remount,bind,ro "$root/$name"
done
mount --bind "$node" "$root${process.execPath}"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
[ -z "$cache" ] || { mkdir -p "$root/root/.npm"; mount --bind "$cache" "$root/root/.npm"; }
if [ "$mode" = ro ]; then
  if [ -n "$volume" ]; then mount --bind "$volume" "$volume"; fi
  mount -o remount,bind,ro "$root"
fi
cd "$root"
if [ "$user" = 0:0 ]; then
  exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$workdir" "$@"
fi
exec chroot "$root" /usr/bin/setpriv --reuid "\${user%:*}" --regid "\${user#*:}" --clear-groups \\
  --bounding-set=-all --inh-caps=-all --no-new-privs /bin/sh -c 'cd "$0" && exec "$@"' "$workdir" "$@"
`

const running = new Set()
// With the program that started them, commands end too.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Starts a command as the first process of a container would be started: as process 1, in its own root
 * file system, with these variables and no others.
 */
export function spawnIn(root, { command, env, workdir, node, user = '0:0', volume, cache, stdio }) {
  const words = [
    root,
    node,
    volume === undefined ? 'rw' : 'ro',
    volume ?? '',
    user,
    cache ?? '',
    workdir,
  ]
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private']
  const child = spawn('unshare', [...namespaces, 'sh', '-c', script, 'sh', ...words, ...command], {
    env,
    stdio: stdio ?? ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/** The process that `unshare` started, as this machine numbers it. */
export function firstProcess(child) {
  const pids = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  return Number(pids.trim().split(' ')[0])
}
