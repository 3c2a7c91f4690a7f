// Writes what is generated from src/protocol: native/protocol.h, native/reaper/programs.h and docs/protocol.md.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { protocolHeader, protocolPage } from '../src/protocol/document.ts'
import { programsHeader } from '../src/protocol/programs-header.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
mkdirSync(join(root, 'docs'), { recursive: true })
writeFileSync(join(root, 'native', 'protocol.h'), protocolHeader())
writeFileSync(join(root, 'native', 'reaper', 'programs.h'), programsHeader())
writeFileSync(join(root, 'docs', 'protocol.md'), protocolPage())
