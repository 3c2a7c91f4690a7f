// Writes what is generated from src: native/protocol.h, native/reaper/programs.h and docs/protocol.md from protocol, the
// findings in docs/cluster-check.md from cluster-check, the messages in docs/errors.md from all sources.
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findingsSection } from '../src/cluster-check/document.ts'
import { messagesOfC, messagesOfTypeScript, messageTable } from './error-messages.ts'
import { protocolHeader, protocolPage } from '../src/protocol/document.ts'
import { programsHeader } from '../src/protocol/programs-header.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
mkdirSync(join(root, 'docs'), { recursive: true })
writeFileSync(join(root, 'native', 'protocol.h'), protocolHeader())
writeFileSync(join(root, 'native', 'reaper', 'programs.h'), programsHeader())
writeFileSync(join(root, 'docs', 'protocol.md'), protocolPage())

/** Puts text between `<!-- NAME -->` and `<!-- /NAME -->` of a page. */
function writeSection(/** @type {string} */ page, /** @type {string} */ name, /** @type {string} */ text) {
  const file = join(root, 'docs', page)
  const between = new RegExp(`(?<=<!-- ${name} -->\\n)[\\s\\S]*(?=<!-- /${name} -->)`)
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(between, () => `${text}\n`),
  )
}

const textsOf = (/** @type {string} */ pattern) =>
  globSync(pattern, { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))

writeSection('cluster-check.md', 'findings', findingsSection())
const messages = [
  ...textsOf('src/**/*.ts').flatMap(messagesOfTypeScript),
  ...textsOf('native/**/*.c').flatMap(messagesOfC),
]
writeSection('errors.md', 'messages', messageTable(messages))
