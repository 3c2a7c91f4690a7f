import { writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { makeHome, passphrase } from '../../fixtures/home.ts'
import { blocksOf, pages } from '../../fixtures/pages.ts'
import { personIn } from '../../fixtures/person.ts'
import type { Person } from '../../fixtures/person.ts'
import { enteredIn } from '../../fixtures/shell-lines.ts'
import { repository } from '../../fixtures/terminal.ts'
import { differenceFrom } from './shown.ts'

/** What the shell says once a line is done: its exit code. */
const done = /code=(\d+)\r?\n[\s\S]*ready> $/
const asks = /passphrase for \S+: $/
const slowMs = 60_000

/** Pages with blocks that are run: `sh run`, and `console run` with what it shows. In order, in one home for each page. */
const runs = pages().flatMap((page) => {
  const lines = blocksOf(page)
    .filter(({ words }) => words[0] === 'run')
    .flatMap(enteredIn)
  return lines.length === 0 ? [] : [{ page, lines }]
})

test('there are pages whose blocks are run', () => {
  expect(runs.map(({ page }) => page)).toContain('README.md')
})

test.each(runs)('what $page says to run does what it says', async ({ lines }) => {
  await using home = makeHome()
  await home.startPlayground()
  await home.init()
  const path = [home.shims, join(repository, 'bin'), home.env['PATH']].join(delimiter)
  using person = await personIn(home, { PATH: path, NO_COLOR: '1', COLUMNS: '200' })
  const script = join(home.home, 'line.sh')
  for (const entered of lines) {
    const { line, place, output } = entered
    // Typed as it stands there it would wrap.
    writeFileSync(script, `${line}\n`)
    const { code, shown } = await enter(person, '. ~/line.sh')
    const wrong = output.length > 0 ? differenceFrom(output, shown) : refused(line, code)
    expect(wrong === undefined ? '' : `${place}: ${line}\nnot there: ${wrong}\n${shown}`).toBe('')
  }
})

/** What doctor finds is the machine’s. */
function refused(line: string, code: number): string | undefined {
  const good = line.startsWith('kubeguard doctor') ? [0, 1] : [0]
  return good.includes(code) ? undefined : `exit code ${good.join(' or ')}, but ${code}`
}

/** Enters a line; where it asks for the passphrase, that too. */
async function enter(person: Person, line: string): Promise<{ code: number; shown: string }> {
  const typed = `${line}; echo code=$?`
  let shown = await person.answer(typed, new RegExp(`${done.source}|${asks.source}`), slowMs)
  if (asks.test(shown)) shown += await person.answer(passphrase, done, slowMs)
  const code = Number(done.exec(shown)?.[1])
  const text = stripVTControlCharacters(shown).replaceAll('\r', '')
  const output = text.slice(text.indexOf('\n') + 1, text.lastIndexOf('code=')).replace(/^\n/, '')
  return { code, shown: output }
}
