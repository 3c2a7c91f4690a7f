import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { node, repository } from '../../fixtures/terminal.ts'

/**
 * A disk of its own, a few hundred kilobytes. Root mounts one; everybody else does so in a user and mount
 * namespace, in which the rest of the test then runs: here that is one program for both.
 */
function onSmallDisk(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'kg-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const script = join(folder, 'on-disk.sh')
  const disk = join(folder, 'disk')
  const lines = [
    'set -e',
    `mkdir ${disk}`,
    `mount -t tmpfs -o size=256k,mode=700 tmpfs ${disk}`,
    `exec "$1" "$2" ${disk}`,
  ]
  writeFileSync(script, lines.join('\n'))
  chmodSync(script, 0o700)
  const own = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount']
  return execFileSync('unshare', [...own, 'sh', script, node, program], { encoding: 'utf8' })
}

test('a full disk: nothing is thrown, durable entries are refused, and all goes on when there is room', () => {
  const said = onSmallDisk(join(repository, 'test/integration/journal/fill-disk.ts'))
  expect(JSON.parse(said)).toEqual({
    beforeFull: true,
    whileFull: {
      durable: false,
      batched: false,
      failures: false,
      problems: ['the journal can’t be written: the disk is full'],
    },
    failuresWhileFull: 5,
    openedWhileFull: { durable: false, problems: 1 },
    afterFull: { durable: true, problems: [] },
    chain: true,
    unlockKeptFromFullDisk: false,
    lockKeptFromFullDisk: true,
  })
})
