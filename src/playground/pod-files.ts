import type { Files } from './builtin-shell/program.ts'
import type { KubeObject } from './kube-object.ts'

/** For all pods together: `kubectl cp` fills the memory of who runs the playground. */
const mostBytes = 8 * 1024 * 1024

/** The files in pods, by absolute path: a few made-up ones, and those that were copied there; gone with the playground. */
export class PodFiles {
  readonly #added = new Map<string, Map<string, Buffer>>()
  #bytes = 0

  of(pod: KubeObject): Files {
    const own = madeUp(pod)
    const uid = pod.metadata.uid ?? ''
    return {
      get: (path) => this.#added.get(uid)?.get(path) ?? own.get(path),
      paths: () => [...new Set([...own.keys(), ...(this.#added.get(uid)?.keys() ?? [])])],
      put: (path, bytes) => this.#put(uid, path, bytes),
    }
  }

  #put(uid: string, path: string, bytes: Buffer): boolean {
    const files = this.#added.get(uid) ?? new Map<string, Buffer>()
    const after = this.#bytes + path.length + bytes.length - (files.get(path)?.length ?? 0)
    if (after > mostBytes) return false
    this.#bytes = after
    this.#added.set(uid, files.set(path, bytes))
    return true
  }
}

function madeUp({ metadata }: KubeObject): ReadonlyMap<string, Buffer> {
  const texts = {
    '/etc/hostname': `${metadata.name}\n`,
    '/etc/hosts': `127.0.0.1\tlocalhost\n`,
    '/etc/os-release': 'NAME="kubeguard playground"\nID=playground\n',
    '/app/README': 'A pod of the kubeguard playground. Nothing here reaches your machine.\n',
    '/var/run/secrets/kubernetes.io/serviceaccount/namespace': metadata.namespace ?? 'default',
  }
  return new Map(Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)]))
}
