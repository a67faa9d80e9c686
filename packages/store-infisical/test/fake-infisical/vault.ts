import { randomUUID } from 'node:crypto'

/** A secret as the fake keeps it. */
export interface FakeSecret {
  readonly id: string
  readonly path: string
  readonly name: string
  readonly value: string
  readonly comment: string
  readonly version: number
  readonly createdAt: string
  readonly updatedAt: string
}

interface FakeFolder {
  readonly id: string
  readonly name: string
  readonly parentId: string
  readonly path: string
  readonly createdAt: string
}

/** The value rule of the server: trimmed at both ends, of trailing newlines exactly one is kept. */
export function storedValue(value: string): string {
  return value.endsWith('\n') ? `${value.trim()}\n` : value.trim()
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** Folders and secrets of one environment of one project. */
export class Vault {
  readonly environmentId: string = randomUUID()
  readonly rootId: string = randomUUID()
  readonly folders = new Map<string, FakeFolder>()
  readonly secrets = new Map<string, FakeSecret>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  #time(): string {
    return new Date(this.#now()).toISOString()
  }

  normalise(path: string | undefined): string {
    return withoutTrailingSlash(path ?? '/')
  }

  hasFolder(path: string): boolean {
    return path === '/' || this.folders.has(path)
  }

  createFolder(parent: string, name: string): FakeFolder {
    const base = withoutTrailingSlash(parent)
    let parentId = this.rootId
    let path = ''
    for (const part of base.split('/').filter((each) => each !== '')) {
      path += `/${part}`
      parentId = this.#folder(path, part, parentId).id
    }
    return this.#folder(`${path}/${name}`, name, parentId)
  }

  #folder(path: string, name: string, parentId: string): FakeFolder {
    const known = this.folders.get(path)
    if (known !== undefined) return known
    const folder = { id: randomUUID(), name, parentId, path, createdAt: this.#time() }
    this.folders.set(path, folder)
    return folder
  }

  find(path: string, name: string): FakeSecret | undefined {
    return this.secrets.get(`${path}:${name}`)
  }

  list(path: string, recursive: boolean): FakeSecret[] {
    const below = path === '/' ? '/' : `${path}/`
    return [...this.secrets.values()].filter(
      (secret) => secret.path === path || (recursive && secret.path.startsWith(below)),
    )
  }

  write(
    path: string,
    name: string,
    change: { readonly value?: string | undefined; readonly comment?: string | undefined },
  ): FakeSecret {
    const known = this.find(path, name)
    const updatedAt = this.#time()
    const secret: FakeSecret = {
      id: known?.id ?? randomUUID(),
      path,
      name,
      value: change.value === undefined ? (known?.value ?? '') : storedValue(change.value),
      comment: (change.comment ?? known?.comment ?? '').trim(),
      version: (known?.version ?? 0) + 1,
      createdAt: known?.createdAt ?? updatedAt,
      updatedAt,
    }
    this.secrets.set(`${path}:${name}`, secret)
    return secret
  }

  remove(secret: FakeSecret): void {
    this.secrets.delete(`${secret.path}:${secret.name}`)
  }

  /** References to secrets of the same folder, expanded once. */
  expand(secret: FakeSecret): string {
    return secret.value.replace(
      /\$\{([^}]*)\}/g,
      (whole, name: string) => this.find(secret.path, name)?.value ?? whole,
    )
  }
}
