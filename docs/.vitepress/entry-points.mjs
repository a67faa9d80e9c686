import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What can be imported from the packages, with the source that each name is built from. */
export function listEntryPoints() {
  return readdirSync(join(ROOT, 'packages')).flatMap((folder) => {
    const path = join(ROOT, 'packages', folder, 'package.json')
    const { name, exports } = JSON.parse(readFileSync(path, 'utf8'))
    return Object.entries(exports ?? {}).flatMap(([subpath, { types }]) =>
      types === undefined
        ? []
        : [
            {
              name: name + subpath.slice(1),
              package: name,
              source: join(
                'packages',
                folder,
                types.replace('dist/', 'src/').replace('.d.ts', '.ts'),
              ),
            },
          ],
    )
  })
}
