import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { less, text, vim, walk } from '../fixtures/full-screen.ts'
import type { FullScreen } from '../fixtures/full-screen.ts'
import type { TestHome } from '../fixtures/home.ts'
import { Screen } from '../fixtures/screen.ts'
import { boundToken } from './credentials.ts'
import { cluster, clusterHome, describeWithPods, kubectls, makeNamespace } from './fixture.ts'
import { startPod } from './pods.ts'

const htop: FullScreen = {
  name: 'htop',
  command: ['htop', '-d', '5'],
  begins: /PID[^]*F1Help/,
  steps: [
    { does: [70, 20], shows: /PID[^]*F1Help/ },
    { does: [100, 30], shows: /PID[^]*F1Help[^]*F10Quit/ },
    { does: '/htop', shows: /Search: htop/ },
    { does: '\r', shows: /F10Quit/ },
    { does: '\x1bOP', shows: /^htop \d[^]*GNU GPL/ },
    { does: ' ', shows: /F10Quit/ },
  ],
  quits: 'q',
}

/** This machine's own programs, as Debian has them, with their libraries and what they know of terminals. */
const programs = ['/usr/bin/vim.tiny', '/usr/bin/less', '/usr/bin/htop']
const terminfo = ['/lib/terminfo', '/usr/share/terminfo'].flatMap((folder) =>
  ['xterm', 'xterm-256color'].map((name) => `${folder}/x/${name}`),
)

/** Without it no character has more than a byte. */
const locale = '/usr/lib/locale/C.utf8'

function filesOf(paths: readonly string[]): string[] {
  const libraries = paths.flatMap((path) => {
    const said = execFileSync('ldd', [path], { encoding: 'utf8' })
    return [...said.matchAll(/(?:=>)?\s(\/\S+) \(0x/g)].map(([, library = '']) => library)
  })
  return [...new Set([...paths, ...libraries, ...[...terminfo, locale].filter((path) => existsSync(path))])]
}

/** As an archive. @throws Error with what tar said. */
function packed(files: readonly string[]): Buffer {
  // A name that leads through a link, such as /lib, is a folder's in the pod.
  const names = files.map((path) => path.slice(1))
  const run = spawnSync('tar', ['-C', '/', '--dereference', '-cf', '-', ...names], { maxBuffer: 100_000_000 })
  if (run.status !== 0) throw new Error(String(run.stderr))
  return run.stdout
}

const { path: kubectl } = kubectls[0] as { path: string }

/** A client tells the size once the program runs: one that draws before has its first picture by chance. */
const untilSized = 'until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done'

describeWithPods('programs that have the whole screen, in a pod', () => {
  let home: TestHome
  let namespace: string
  const ends: (() => Promise<void>)[] = []

  /** Past everything of ours. @throws Error with what was said. */
  function putInto(pod: string, script: string, input: Buffer | string): void {
    const args = ['exec', '-i', '-n', namespace, pod, '--', 'sh', '-c', script]
    const run = spawnSync(kubectl, args, {
      env: { ...home.env, KUBECONFIG: cluster.kubeconfig },
      input,
      encoding: 'utf8',
    })
    if (run.status !== 0) throw new Error(run.stderr)
  }

  beforeAll(async () => {
    namespace = await makeNamespace((remove) => ends.push(remove))
    await startPod(namespace, 'web')
    const token = await boundToken(namespace)
    home = clusterHome({ namespace, credentials: { dev: { token } }, kubectl })
    await home.init()
    putInto('web', 'tar -xf - -C /', packed(filesOf(programs)))
  })

  afterAll(async () => {
    await home.dispose()
    for (const end of ends) await end()
  })

  function run({ command }: FullScreen): Screen {
    // vim has written to it.
    putInto('web', 'cat >/tmp/FILE', text)
    const inPod = `cd /tmp; export LANG=C.UTF-8 TERM=xterm-256color PATH=/usr/bin:/bin; ${untilSized}; exec "$@"`
    const args = ['exec', '-it', 'web', '--', 'sh', '-c', inPod, 'sh', ...command]
    return new Screen('/usr/bin/env', ['kubectl', ...args], home.env, home.home)
  }

  test.each([vim, less, htop])('$name: its screens, its end', async (program) => {
    await home.unlock('default')
    using screen = run(program)
    await walk(program, { supervised: screen })
    expect(screen.picture.screen).toBe('alternate')
    screen.type(program.quits)
    expect(await screen.ended()).toBe(0)
    await screen.until('its own screen', ({ picture }) => picture.screen === 'normal')
  })

  test.each([vim, less, htop])('$name at a lock: 76, and the terminal is as it was', async (program) => {
    await home.unlock('default')
    using untouched = new Screen('/bin/true', [], home.env, home.home)
    using screen = run(program)
    await screen.until('it', ({ picture }) => program.begins.test(picture.lines.join('\n')), 60_000)
    await home.lock()
    expect(await screen.ended()).toBe(76)
    const reason = /kubeguard: default is locked since [^]*kubectl exec web was ended/
    await screen.until('why', ({ picture }) => reason.test(picture.lines.join('\n')))
    const { screen: shown, modes } = screen.picture
    expect({ shown, modes }).toEqual({ shown: 'normal', modes: untouched.picture.modes })
    expect(screen.output.lastIndexOf('\x1b[?25l')).toBeLessThanOrEqual(screen.output.lastIndexOf('\x1b[?25h'))
  })
})
