import { readdirSync } from 'node:fs'
import type { Dirent } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { isLeftoverOf } from './audit-file.ts'
import { readSmallFile } from './read-file.ts'

const mostFiles = 5000
const deepest = 3

/** What lies below ~/.kube and is no kubeconfig: kubectl's own caches. Tokens in them are looked for elsewhere. */
const notKubeconfigs = new Set([
  'cache',
  'http-cache',
  'kuberc',
  'gke_gcloud_auth_plugin_cache',
  'kubectx',
  'kubens',
])

/** Files of ~/.kube that may be kubeconfigs, beside leftovers of editors. Links are not followed. */
export function filesOfKube(home: string): string[] {
  const found: string[] = []
  const visit = (folder: string, depth: number): void => {
    const entries = entriesOf(folder)
    for (const entry of entries) {
      if (found.length >= mostFiles || (depth === 0 && notKubeconfigs.has(entry.name))) continue
      const path = join(folder, entry.name)
      if (entry.isDirectory() && depth < deepest) visit(path, depth + 1)
      else if (entry.isFile() && !entries.some(({ name }) => isLeftoverOf(name, entry.name))) found.push(path)
    }
  }
  visit(join(home, '.kube'), 0)
  return found
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).slice(0, mostFiles)
  } catch {
    return []
  }
}

const startUpFiles = [
  '.bashrc',
  '.bash_profile',
  '.bash_login',
  '.profile',
  '.zshrc',
  '.zshenv',
  '.zprofile',
  '.zlogin',
  '.pam_environment',
  '.envrc',
  '.config/fish/config.fish',
]
const startUpFolders = ['.config/fish/conf.d', '.config/environment.d', '.bashrc.d', '.zshrc.d']

export interface NamedInStartUp {
  readonly startUpFile: string
  readonly line: number
  readonly kubeconfig: string
}

const setting =
  /^\s*(?:(?:export|declare\s+-\S+|typeset\s+-\S+|set\s+-\S+(?:\s+-\S+)*)\s+)?KUBECONFIG(?:\s*=\s*|\s+(?:DEFAULT=)?)(.+)$/

/** The kubeconfigs that start-up files of shells put into KUBECONFIG, where they spell the path out. */
export function namedInStartUpFiles(home: string): NamedInStartUp[] {
  const folders = startUpFolders.flatMap((folder) =>
    entriesOf(join(home, folder)).map(({ name }) => join(folder, name)),
  )
  return [...startUpFiles, ...folders].flatMap((name) => {
    const startUpFile = join(home, name)
    const lines = (readSmallFile(startUpFile) ?? '').split('\n')
    return lines.flatMap((text, index) =>
      pathsIn(text, home).map((kubeconfig) => ({ startUpFile, line: index + 1, kubeconfig })),
    )
  })
}

function pathsIn(text: string, home: string): string[] {
  const value = setting.exec(text)?.[1]
  if (value === undefined) return []
  return value
    .replace(/\s+#.*$/, '')
    .replaceAll(/["';]/g, '')
    .trim()
    .split(new RegExp(`[${delimiter}\\s]`))
    .map((path) => path.replace(/^(?:~(?=\/|$)|\$HOME\b|\$\{HOME\})/, home))
    .filter((path) => isAbsolute(path) && !path.includes('$'))
}
