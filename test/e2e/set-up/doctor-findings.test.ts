import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeError, encodeReply, readHeader, requestName } from '../../../src/protocol/frame.ts'
import { protocolVersion } from '../../../src/protocol/messages.ts'
import type { DaemonReport } from '../../../src/protocol/reports.ts'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { kubectl, tool } from '../../fixtures/tools.ts'
import { until } from '../../fixtures/terminal.ts'

interface Finding {
  readonly id: string
  readonly level: 'problem' | 'note'
  readonly message: string
  readonly cure: string
}

let home: TestHome
let rc: string
let hooked: string

beforeAll(async () => {
  home = makeHome()
  home.env['SHELL'] = tool('bash')
  await home.startPlayground()
  rc = join(home.home, '.bashrc')
  writeFileSync(rc, 'alias k=kubectl\n')
  writeFileSync(join(home.home, '.profile'), '. ~/.bashrc\n')
  good(await home.kubeguard(['init', '--yes', '--passphrase-fd', '3'], { fd3: passphrase }))
  hooked = readFileSync(rc, 'utf8')
})
beforeEach(() => writeFileSync(rc, hooked))
afterAll(() => home.dispose())

/** What doctor finds but for the machine's own, which every test here would see. */
async function findings(env: NodeJS.ProcessEnv = {}): Promise<Finding[]> {
  const { code, stdout, stderr } = await home.kubeguard(['doctor', '--json'], { env, timeoutMs: 60_000 })
  const document = JSON.parse(stdout) as { schema: number; findings: Finding[] }
  expect({ stderr, schema: document.schema }).toEqual({ stderr: '', schema: 1 })
  expect(code).toBe(document.findings.some(({ level }) => level === 'problem') ? 1 : 0)
  for (const { cure } of document.findings) expect(cure).not.toBe('')
  const machine = new Set(['swap', 'ptrace', 'core-dumps', 'no-service', 'departures'])
  return document.findings.filter(({ id }) => !machine.has(id))
}

const path = (...folders: string[]): NodeJS.ProcessEnv => ({ PATH: [...folders, home.env['PATH']].join(':') })

test('nothing where nothing is wrong: exit code 0, also for a person', async () => {
  expect(await findings()).toEqual([])
})

describe('the shells, each started for real', () => {
  test('a start-up file without the line: new and log-in shells find no shim, scripts have our PATH', async () => {
    writeFileSync(rc, 'alias k=kubectl\n')
    const found = await findings()
    expect(found.map(({ id, level, cure }) => [id, level, cure])).toEqual([
      ['hook-missing', 'problem', 'run: kubeguard init'],
      ['shim-not-first', 'problem', 'run: kubeguard init'],
      ['shim-not-first', 'problem', 'run: kubeguard init'],
    ])
    expect(found.slice(1).map(({ message }) => message.split(' bash ')[0])).toEqual(['a new', 'a log-in'])
  })

  test('the line of an installation that was moved', async () => {
    writeFileSync(rc, hooked.replace(/source '.*'/, "source '/opt/old/shell/kubeguard.bash'"))
    expect((await findings())[0]).toMatchObject({
      id: 'hook-missing',
      message: `${rc} has the line of another installation`,
    })
  })

  test('a log-in that undoes it', async () => {
    writeFileSync(
      join(home.home, '.profile'),
      `. ~/.bashrc\nunset PROMPT_COMMAND\nPATH=${dirname(kubectl())}:$PATH\n`,
    )
    expect(await findings()).toMatchObject([
      {
        id: 'shim-not-first',
        level: 'problem',
        message: expect.stringMatching(/^a log-in bash finds .* before the shim$/),
      },
    ])
    writeFileSync(join(home.home, '.profile'), '. ~/.bashrc\n')
  })

  test('scripts that get another PATH: advice, for the credentials are guarded all the same', async () => {
    const env = join(home.home, 'bash-env')
    writeFileSync(env, 'PATH=/usr/bin:/bin\n')
    expect(await findings({ BASH_ENV: env })).toMatchObject([
      {
        id: 'shim-not-first',
        level: 'note',
        message: expect.stringMatching(/^a non-interactive bash has no shims/),
      },
    ])
  })

  test('start-up files that end the shell, and such that never end', async () => {
    writeFileSync(rc, `exit 3\n${hooked}`)
    const ended = await findings()
    expect(ended.map(({ id }) => id)).toEqual(['shell-fails', 'shell-fails'])
    writeFileSync(rc, `${hooked}sleep 60\n`)
    expect((await findings())[0]).toMatchObject({
      id: 'shell-fails',
      message: 'a new bash can’t be asked for its PATH: does not come to a prompt within 10 s',
    })
  })

  test('here and now another kubectl is first, or none is real', async () => {
    const other = join(home.home, 'other')
    mkdirSync(other)
    symlinkSync(kubectl(), join(other, 'kubectl'))
    expect(await findings(path(other))).toMatchObject([
      { id: 'shim-not-first', message: `the shims are on PATH, but after ${join(other, 'kubectl')}` },
    ])
    const tools = join(home.home, 'tools')
    mkdirSync(tools)
    for (const name of ['bash', 'sh', 'readlink', 'env']) symlinkSync(tool(name), join(tools, name))
    const none = await findings({ PATH: `${home.shims}:${tools}` })
    expect(none.map(({ id }) => id)).toContain('no-kubectl')
    rmSync(other, { recursive: true })
  })

  test.each([
    ['asdf', '#!/usr/bin/env bash\nexec asdf exec "kubectl" "$@"\n'],
    ['a script', '#!/bin/sh\nexec /usr/bin/kubectl "$@"\n'],
  ])('a kubectl that only stands in for it: %s', async (what, text) => {
    const folder = join(home.home, 'managed')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'kubectl'), text, { mode: 0o755 })
    expect(await findings({ PATH: `${home.shims}:${folder}:${home.env['PATH']}` })).toMatchObject([
      { id: 'kubectl-dispatcher', level: 'note', message: expect.stringContaining(`(${what})`) },
    ])
    rmSync(folder, { recursive: true })
  })
})

describe('files', () => {
  test.each([
    ['state/vaults/prod/vault.age', 0o640, 'open-to-others'],
    ['state/vaults/prod', 0o750, 'open-to-others'],
    ['state', 0o755, 'place-unsafe'],
    ['data/shims', 0o775, 'place-unsafe'],
    ['config/config.yaml', 0o666, 'open-to-others'],
  ])('%s open to others', async (name, mode, id) => {
    const place = join(home.guardHome, name)
    const right = name.startsWith('state')
      ? name.endsWith('.age')
        ? 0o600
        : 0o700
      : name.endsWith('.yaml')
        ? 0o600
        : 0o755
    chmodSync(place, mode)
    try {
      const { stdout } = await home.kubeguard(['doctor', '--json'])
      const found = (JSON.parse(stdout) as { findings: Finding[] }).findings
      expect(found).toContainEqual(expect.objectContaining({ id, level: 'problem' }))
    } finally {
      chmodSync(place, right)
    }
  })

  test('a kubeconfig that others can write decides which programs run as you', async () => {
    chmodSync(home.kubeconfig, 0o622)
    expect(await findings()).toMatchObject([
      { id: 'open-to-others', message: expect.stringContaining(home.kubeconfig) },
    ])
    chmodSync(home.kubeconfig, 0o600)
  })

  test('a link of ours that leads elsewhere', async () => {
    const watch = join(home.guardHome, 'data', 'bin', 'kubeguard-credential')
    rmSync(watch)
    symlinkSync('/bin/true', watch)
    expect((await findings()).map(({ id }) => id)).toContain('link-broken')
    await home.init()
  })

  test('kuberc that keeps kubectl from our plugin', async () => {
    const kuberc = join(home.home, 'kuberc')
    writeFileSync(
      kuberc,
      'apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: DenyAll\n',
    )
    expect((await findings({ KUBERC: kuberc })).find(({ id }) => id === 'plugin-forbidden')).toMatchObject({
      level: 'problem',
      cure: expect.stringContaining('kubeguard-credential'),
    })
  })

  test('an adopted user with a static credential beside our entry', async () => {
    const right = readFileSync(home.kubeconfig, 'utf8')
    // Where no daemon is there to seal it: the doctor's own has not looked yet, or another file names the user.
    const copy = join(home.home, 'copy.yaml')
    writeFileSync(copy, right.replace(/( +)exec:\n/, '$1token: left-over-token\n$1exec:\n'), { mode: 0o600 })
    expect(await findings({ KUBECONFIG: copy })).toContainEqual(
      expect.objectContaining({ id: 'static-credential', level: 'problem', cure: 'run: kubeguard adopt' }),
    )
    rmSync(copy)
  })

  test('a clock that is behind what was written', async () => {
    const journal = join(home.guardHome, 'state', 'journal.db')
    const later = Date.now() / 1000 + 7_200
    utimesSync(journal, later, later)
    // The daemon may write it again at any time.
    await until('the finding', async () => {
      utimesSync(journal, later, later)
      return (await findings()).some(({ id, level }) => id === 'clock' && level === 'note')
    })
    utimesSync(journal, new Date(), new Date())
  })
})

describe('the daemon', () => {
  test('a mistake in the policy file', async () => {
    const config = join(home.guardHome, 'config', 'config.yaml')
    const right = readFileSync(config, 'utf8')
    writeFileSync(config, right.replace('idle: 5m', 'idle: soon'))
    await until('the mistake to be named', async () => (await findings()).some(({ id }) => id === 'policy'))
    writeFileSync(config, right)
    await until('the rules to be right again', async () => (await findings()).length === 0)
  })

  test('a pinentry that is not there', async () => {
    const config = join(home.guardHome, 'config', 'config.yaml')
    const right = readFileSync(config, 'utf8')
    writeFileSync(config, right.replace('idle: 5m', 'pinentry: /usr/bin/pinentry-of-no-one\n    idle: 5m'))
    await until('it to be named', async () =>
      (await findings()).some(
        ({ id, level, message }) =>
          id === 'pinentry' &&
          level === 'problem' &&
          message.includes('pinentry-of-no-one (pinentry) is not there'),
      ),
    )
    writeFileSync(config, right)
    await until('the rules to be right again', async () => (await findings()).length === 0)
  })

  test.each([
    ['that speaks another protocol', 99],
    ['with the same protocol', protocolVersion],
  ])('one of another version, %s', async (_, speaks) => {
    good(await home.kubeguard(['daemon', 'stop']))
    const { socket, lock, server } = await otherDaemon(speaks)
    const found = await findings()
    server.close()
    rmSync(socket, { force: true })
    writeFileSync(lock, '')
    expect(found).toContainEqual(
      expect.objectContaining({
        id: 'daemon-version',
        level: 'problem',
        cure: 'run: kubeguard daemon restart',
      }),
    )
  })
})

/** A daemon of a version to come, as far as the doctor talks to it. */
async function otherDaemon(speaks: number): Promise<{ socket: string; lock: string; server: Server }> {
  const socket = join(home.guardHome, 'run', 'daemon.sock')
  const report: DaemonReport = {
    version: '99.0.0',
    protocol: speaks,
    pid: process.pid,
    startedAtMs: 0,
    socket,
    logFile: '',
    problems: [],
  }
  const rules = { files: [], policies: [], problems: [], lastGoodInForce: false }
  const server = createServer((client) => {
    client.on('error', () => {})
    client.once('data', (data: Buffer) => {
      const name = requestName(readHeader(data).id)
      if (speaks !== protocolVersion) {
        const error = {
          code: 'version-mismatch',
          message: 'other',
          cure: 'run: kubeguard daemon restart',
          exitCode: 75,
        }
        const answer = encodeError(error)
        answer.writeUInt16BE(speaks, 4)
        client.end(answer)
      } else if (name === 'daemon.status') client.end(encodeReply(name, { report }))
      else client.end(encodeReply('policy.read', { report: rules }))
    })
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  chmodSync(socket, 0o600)
  const lock = join(home.guardHome, 'state', 'daemon.lock')
  writeFileSync(lock, `${socket}\n`, { mode: 0o600 })
  return { socket, lock, server }
}
