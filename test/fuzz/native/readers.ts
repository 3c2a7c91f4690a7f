import { spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { messages } from '../../../src/protocol/messages.ts'
import type { MessageName } from '../../../src/protocol/messages.ts'
import { repository } from '../../fixtures/terminal.ts'
import { error, reply, request } from '../frames/frames.ts'
import type { Effort, Target } from '../target.ts'
import { hasLibFuzzer, readerFiles, sanitized } from './build.ts'
import type { Engine } from './build.ts'

const cases = join(repository, 'test', 'fuzz', 'cases')

/** So many examples of each, drawn from the seed. */
const perMessage = 6

function frames(seed: number, names: readonly MessageName[], of: typeof reply): Buffer[] {
  return names.flatMap((name) => fc.sample(of(name), { seed, numRuns: perMessage }).map(({ frame }) => frame))
}

const namesOf = (...starts: string[]): MessageName[] =>
  (Object.keys(messages) as MessageName[]).filter((name) => starts.some((start) => name.startsWith(start)))

const texts = (...all: string[]): Buffer[] => all.map((one) => Buffer.from(one))
const behind = (first: number, rest: Buffer): Buffer => Buffer.concat([Buffer.of(first), rest])

const replyNames = [
  ...namesOf('gate.check', 'credential.issue', 'supervisor.begin'),
  ...namesOf('keeper.issue', 'keeper.fetch', 'keeper.share', 'keeper.deliver').filter(
    (name) => name !== 'keeper.fetched',
  ),
]

/** What each reader begins with; the mutations of it are the engine's. The names are those of entry.c. */
const examples: Readonly<Record<string, (seed: number) => Buffer[]>> = {
  'reply': (seed) => [
    ...replyNames.flatMap((name) =>
      frames(seed, [name], reply).map((frame) => behind(messages[name].id, frame)),
    ),
    ...fc.sample(error, { seed, numRuns: perMessage }).map(({ frame }) => behind(1, frame)),
  ],
  'reaper': (seed) => frames(seed, namesOf('reaper.'), request).map((frame) => behind(7, frame)),
  'news': (seed) => frames(seed, namesOf('supervisor.wait'), reply),
  'screen': (seed) => frames(seed, namesOf('screen.follow'), reply),
  'terminal': () =>
    texts(
      '\u001c\u0005\u001b[200~pasted\u001b[201~\u001b[1;2R\u001b]0;title\u0007\u001b[M !!ab',
      '\u001c\u0003\u001b[?1049h\u001b[?25l\u001b[>4;2m\u001b[>1u\u001b(0\u001b[!p\u001bP+q\u001b\\\u001b=',
      '\u0002\u0001\u001b[<0;10;20M\u001b[<35;1;1M\u0090x\u009c\u00c2\u009bü漢\u001b/Z\u001b\u001b',
    ),
  'said': () =>
    texts('\u0001kubeguard: locked\nrun: kubeguard unlock\n', '\u0000a\u001b[2J\u202e漢\u0085\u009b'),
  'exec-info': () =>
    texts(
      '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{"interactive":false}}',
      '{"spec":{"cluster":{"apiVersion":"x","config":["\\"",{}]}},"apiVersion":"client.authentication.k8s.io/v1"}',
    ),
  'foreign': () => texts('\u0008aws\0eks\0get-token\0', '\u0020A=b\0PATH=/bin:/usr/bin\0=\0\0X\0'),
  'lock-file': () => texts('/run/user/0/kubeguard/daemon.sock\n', 'x\n'),
  'status-file': () => texts('kubeguard 1 123 4567\nsession default unlocked 99999\nnotice 1 said\n'),
  'proc': () =>
    texts(
      '12 (a) b) S 1 1 1 34816 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 22 1 1',
      '-bash\0--rcfile\0x\0-lc\0',
      '/bin/sh\0-s\0',
    ),
}

/** Writing a file takes longer than reading it. */
const slow = new Set(['lock-file', 'status-file'])

interface Built {
  readonly program: string
  readonly engine: Engine
}

/** @throws Error where a promise was broken, or a rule of C */
async function runOne(built: Built, name: string, effort: Effort, folder: string): Promise<number> {
  const corpus = join(folder, 'corpus', name)
  const kept = join(cases, name)
  mkdirSync(corpus, { recursive: true })
  for (const [index, bytes] of (examples[name]?.(effort.seed) ?? []).entries()) {
    writeFileSync(join(corpus, String(index)), bytes)
  }
  for (const file of existsSync(kept) ? readdirSync(kept) : [])
    copyFileSync(join(kept, file), join(corpus, file))
  const runs = slow.has(name) ? Math.ceil(effort.runs / 20) : effort.runs
  const args =
    built.engine === 'driver'
      ? [String(runs), String(effort.seed), ...readdirSync(corpus).map((file) => join(corpus, file))]
      : libFuzzerArgs(effort, folder, corpus)
  const { code, output } = await runProgram(built.program, args, {
    ...process.env,
    KUBEGUARD_FUZZ: name,
    KUBEGUARD_FUZZ_FOLDER: folder,
    ASAN_OPTIONS: 'handle_abort=1:detect_leaks=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  })
  if (code !== 0)
    throw new Error(
      `native reader ${name} failed, seed ${effort.seed}\n${inputIn(folder)}\n${output.slice(-6_000)}`,
    )
  return Number(/stat::number_of_executed_units: (\d+)|^(\d+) runs/m.exec(output)?.slice(1).find(Boolean))
}

function libFuzzerArgs({ seed, seconds }: Effort, folder: string, corpus: string): string[] {
  const most = [
    '-max_len=8192',
    '-timeout=60',
    '-rss_limit_mb=2048',
    `-max_total_time=${Math.max(1, Math.floor(seconds))}`,
  ]
  return [
    ...most,
    `-seed=${(seed % 0x7fffffff) + 1}`,
    '-print_final_stats=1',
    `-artifact_prefix=${folder}/`,
    corpus,
  ]
}

/** What a file of test/fuzz/cases/NAME would hold. */
function inputIn(folder: string): string {
  const file = readdirSync(folder).find((name) => /^(crash|timeout|oom|leak)/.test(name))
  return file === undefined ? '' : `input, base64: ${readFileSync(join(folder, file)).toString('base64')}`
}

function runProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; output: string }>()
  const child = spawn(program, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const from of [child.stdout, child.stderr])
    from.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-100_000)
    })
  child.on('error', reject)
  child.on('close', (code) => resolve({ code, output }))
  return promise
}

/** With `seconds` by libFuzzer where there is clang; a short run is always the driver's. */
export const nativeReaders: Target = {
  name: 'native',
  about: 'what native/ reads of others (answers, requests, files, keys), under AddressSanitizer and UBSan',
  shortRuns: 1_500,
  async run(effort) {
    const folder = mkdtempSync(join(tmpdir(), 'kg-fuzz-native-'))
    const counts: Record<string, number> = {}
    const isShort = effort.runs < Number.MAX_SAFE_INTEGER
    try {
      const engine = !isShort && hasLibFuzzer() ? 'libFuzzer' : 'driver'
      const built = { engine, program: await sanitized('readers', readerFiles(engine), engine) } as const
      const names = Object.keys(examples)
      // The driver counts runs and no seconds: some 20,000 of them are a second.
      const runs = isShort ? effort.runs : Math.ceil((effort.seconds / names.length) * 20_000)
      for (const name of names) {
        counts[name] = await runOne(
          built,
          name,
          { ...effort, runs, seconds: effort.seconds / names.length },
          folder,
        )
      }
      return counts
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
