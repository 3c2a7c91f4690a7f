import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openJournal } from '../../../src/platform/journal/open-journal.ts'
import { node, repository } from '../../fixtures/terminal.ts'

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kg-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Lets a process write until it has kept so many durable entries, and kills it in the middle of the next. */
async function writeAndKill(path: string, atLeast: number): Promise<number> {
  const program = join(repository, 'test/integration/journal/write-forever.ts')
  const child = spawn(node, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  let left = 0
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    left = said.split('\n').length - 1
    if (left >= atLeast) child.kill('SIGKILL')
  })
  await once(child, 'close')
  return left
}

test('killed at any moment: what was said to be kept is there, and the chain holds', async () => {
  const path = join(scratch(), 'journal.db')
  let kept = 0
  for (const atLeast of [1, 7, 23, 60]) {
    const acknowledged = await writeAndKill(path, atLeast)
    const journal = openJournal({ path, now: Date.now })
    const report = journal.verify()
    expect(report).toMatchObject({ intact: true, firstSeq: 1 })
    expect(journal.problems()).toEqual([])
    expect(report.entries - kept).toBeGreaterThanOrEqual(acknowledged * 6)
    kept = report.entries
    journal.close()
  }
})
