import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../fixtures/terminal.ts'

/** @returns the path of `kubeguard-VERSION.tgz` in `folder`, of what is built; `npm pack` alone would build before. */
export function packProject(folder: string): string {
  return pack(repository, folder)
}

interface Changes {
  readonly version: string
  /** Without what only another machine's compiler made, as on another architecture. */
  readonly withoutNative?: boolean
}

/** @returns the path of another package of the same contents in `folder`, but for the changes. */
export function packAgain(
  tarball: string,
  folder: string,
  { version, withoutNative = false }: Changes,
): string {
  mkdirSync(folder, { recursive: true })
  const work = mkdtempSync(join(folder, 'repack-'))
  try {
    run('tar', ['-xzf', tarball, '-C', work], work)
    const root = join(work, 'package')
    const description = join(root, 'package.json')
    const found = JSON.parse(readFileSync(description, 'utf8')) as object
    writeFileSync(description, `${JSON.stringify({ ...found, version }, undefined, 2)}\n`)
    if (withoutNative) rmSync(join(root, 'dist', 'native'), { recursive: true })
    return pack(root, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function pack(root: string, folder: string): string {
  const work = mkdtempSync(join(folder, 'pack-'))
  try {
    const name = run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', work], root).trim()
    renameSync(join(work, name), join(folder, name))
    return join(folder, name)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** @throws Error with what the program said. */
export function run(file: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(file, [...args], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} failed: ${error?.message ?? stderr + stdout}`)
  return stdout
}
