// Writes what is generated from src: native/protocol.h, native/reaper/programs.h and docs/protocol.md from protocol, the
// findings in docs/cluster-check.md from cluster-check.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findingsSection } from '../src/cluster-check/document.ts'
import { protocolHeader, protocolPage } from '../src/protocol/document.ts'
import { programsHeader } from '../src/protocol/programs-header.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
mkdirSync(join(root, 'docs'), { recursive: true })
writeFileSync(join(root, 'native', 'protocol.h'), protocolHeader())
writeFileSync(join(root, 'native', 'reaper', 'programs.h'), programsHeader())
writeFileSync(join(root, 'docs', 'protocol.md'), protocolPage())

const clusterPage = join(root, 'docs', 'cluster-check.md')
const [before, , after] = readFileSync(clusterPage, 'utf8').split(
  /(?<=<!-- findings -->\n)|(?=<!-- \/findings -->)/,
)
writeFileSync(clusterPage, `${before}${findingsSection()}\n${after}`)
