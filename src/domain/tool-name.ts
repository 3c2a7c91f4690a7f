import { isSubreaper, isSessionKeeper, isShell, isWrapper } from './programs.ts'

/** The launchers in `bin/` run these by name, and Node runs us: a shim before them would call itself. */
const ownNeeds: ReadonlySet<string> = new Set(['readlink', 'base64', 'node'])

const mostCharacters = 64

/**
 * Why a program of this name gets no shim.
 * @returns a sentence about the name, and the cure; undefined where nothing stands against it
 */
export function whyNoShim(name: string): { readonly message: string; readonly cure: string } | undefined {
  if (name.length > mostCharacters || !/^[A-Za-z0-9_][A-Za-z0-9_.+@-]*$/.test(name)) {
    return { message: 'is no plain file name', cure: 'give the name alone, such as: helm' }
  }
  const cure = 'shims are for clients of a cluster, such as helm or k9s'
  if (name.startsWith('kubeguard')) return { message: 'is kubeguard itself', cure }
  if (isShell(name)) return { message: 'is a shell', cure }
  const runsOthers = isWrapper(name) || isSessionKeeper(name) || isSubreaper(name)
  if (runsOthers) return { message: 'runs other programs, and is no client', cure }
  if (ownNeeds.has(name)) return { message: 'is needed by kubeguard itself', cure }
  return undefined
}
