// Writes dist/man/kubeguard.1 from the commands themselves.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manPage } from '../src/cli/man-page.ts'
import { createProgram } from '../src/cli/program.ts'

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'man')
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'kubeguard.1'), manPage(createProgram()))
