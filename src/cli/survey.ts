import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path'
import { dirs, places } from '../platform/dirs.ts'
import { linkIsRight, ownLinks, shimmedTools, toolLink } from './shims.ts'

/** A program on PATH, and the version manager or dispatcher that its file really is. */
export interface FoundTool {
  readonly path: string
  readonly dispatcher?: string
}

/** @returns every program of this name on a PATH, in order, but for our own. */
export function toolsOnPath(tool: string, path: readonly string[] = foldersOnPath()): FoundTool[] {
  const own = new Set(ownLinks().map(({ target }) => realOf(target)))
  const shims = places.shims(dirs())
  const found = path
    .filter((folder) => folder !== shims)
    .map((folder) => join(folder, tool))
    .filter((candidate) => isExecutable(candidate) && !own.has(realOf(candidate)))
  // One file under several names (/bin is /usr/bin) is one program.
  const once = new Map(found.toReversed().map((each) => [realOf(each), each]))
  return found
    .filter((each) => once.get(realOf(each)) === each)
    .map((each) => {
      const dispatcher = dispatcherOf(each)
      return { path: each, ...(dispatcher !== undefined && { dispatcher }) }
    })
}

/** @returns the first program of this name on a PATH, ours included. */
export function firstOnPath(tool: string, path: readonly string[]): string | undefined {
  return path.map((folder) => join(folder, tool)).find(isExecutable)
}

/** @returns what is found on a PATH in the place of our shims: nothing where they come first */
export function foundBeforeShims(path: readonly string[]): string[] {
  const shims = places.shims(dirs())
  const first = (tool: string): string | undefined => firstOnPath(tool, path)
  // A link that is broken is another matter, and a tool that is not there can't come first.
  const tools = shimmedTools().filter((tool) => linkIsRight(toolLink(tool)) && first(tool) !== undefined)
  return ['kubectl', ...tools]
    .filter((tool) => first(tool) !== join(shims, tool))
    .map((tool) => first(tool) ?? `no ${tool}`)
}

/** The absolute folders of $PATH. */
export function foldersOnPath(environment: NodeJS.ProcessEnv = process.env): string[] {
  return (environment['PATH'] ?? '').split(delimiter).filter(isAbsolute)
}

/** Version managers and dispatchers that stand in kubectl's place, by where or what their file is. */
const dispatchers: readonly (readonly [string, RegExp])[] = [
  ['asdf', /\/\.?asdf\/(shims\/|bin\/asdf$)|\basdf exec\b/],
  ['mise', /\/mise\/shims\/|\/mise$|\bmise\b[^\n]* (exec|x) /],
  ['aqua', /\/aqua(-proxy)?$|\/aquaproj-aqua\/bin\//],
  ['proto', /\/\.proto\/shims\/|\/proto-shim$/],
  ['nix', /\bnix(?:-shell|\s+(?:run|shell|develop))\b/],
  ['snap', /\/usr\/bin\/snap$|^\/snap\/bin\//],
  ['kuberlr', /\/kuberlr$/],
  ['kubecolor', /\/kubecolor$/],
  ['minikube', /\/minikube$|\bminikube\b[^\n]*kubectl/],
  ['k3s', /\/k3s$/],
  ['microk8s', /\bmicrok8s\b/],
]

/** A script of another name is one, too: whatever it starts is the kubectl. */
function dispatcherOf(path: string): string | undefined {
  const text = scriptText(path)
  const facts = [path, realOf(path), ...(text === undefined ? [] : [text])]
  const known = dispatchers.find(([, pattern]) => facts.some((fact) => pattern.test(fact)))?.[0]
  if (known !== undefined) return known
  if (text !== undefined) return 'a script'
  return basename(path) === 'kubectl' && hasVersionsBeside(realOf(path)) ? 'gcloud' : undefined
}

/** gcloud's kubectl starts the one beside it that fits the server: kubectl.1.33. */
function hasVersionsBeside(real: string): boolean {
  try {
    return readdirSync(dirname(real)).some((name) => /^kubectl\.\d+\.\d+$/.test(name))
  } catch {
    return false
  }
}

const mostScriptBytes = 4096

/** @returns the beginning of a script (`#!`), undefined for anything else. */
function scriptText(path: string): string | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const bytes = Buffer.alloc(mostScriptBytes)
    const text = bytes.toString('latin1', 0, readSync(descriptor, bytes))
    return text.startsWith('#!') ? text : undefined
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

const versionManagers = ['asdf', 'mise', 'aqua', 'proto', 'kuberlr', 'nix']
/** Programs whose whole work is with a cluster, and so are worth a shim. */
const clusterTools = ['helm', 'k9s', 'stern', 'flux', 'oc', 'istioctl', 'velero', 'helmfile', 'linkerd']
/** They also work elsewhere, or through a kubectl that has a shim: for whoever wants one. */
const otherTools = ['argocd', 'cilium', 'kubetail', 'terraform']

const isThere = (name: string): boolean => toolsOnPath(name).length > 0

/** @returns the tools on PATH that are worth a shim and have none yet; `all`: also those for whoever wants one */
export function toolsToOffer(which: 'usual' | 'all' = 'usual'): string[] {
  const shimmed = shimmedTools()
  const known = which === 'all' ? [...clusterTools, ...otherTools] : clusterTools
  return known.filter((name) => !shimmed.includes(name) && isThere(name))
}

/** One line for each thing that is there: for the person who sets up. */
export function surveyLines(kubeconfigs: readonly string[], shellFiles: readonly string[]): string[] {
  const kubectls = toolsOnPath('kubectl').map(
    ({ path, dispatcher }) => path + (dispatcher === undefined ? '' : ` (stands in for it: ${dispatcher})`),
  )
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ['kubectl', kubectls.length === 0 ? ['none on PATH: install one'] : kubectls],
    ['kubeconfig', kubeconfigs.length === 0 ? ['none'] : kubeconfigs],
    ['start-up files', shellFiles],
    ['other clients', [...clusterTools, ...otherTools].filter(isThere)],
    ['version managers', versionManagers.filter(isThere)],
  ]
  return lines.filter(([, found]) => found.length > 0).map(([what, found]) => `${what}: ${found.join(', ')}`)
}
