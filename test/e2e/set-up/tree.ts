import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Everything below a folder but for what the tools themselves cache: kind, mode, and bytes or the link's target. */
export function treeOf(folder: string, leaveOut: readonly string[] = []): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
  const kept = names.filter((name) => !leaveOut.some((path) => name === path || name.startsWith(`${path}/`)))
  return Object.fromEntries(kept.map((name) => [name, factsOf(join(folder, name))]))
}

function factsOf(path: string): string {
  const facts = lstatSync(path)
  const mode = (facts.mode & 0o7777).toString(8)
  if (facts.isSymbolicLink()) return `link to ${readlinkSync(path)}`
  return facts.isFile() ? `${mode} ${readFileSync(path, 'latin1')}` : `${mode} folder`
}
