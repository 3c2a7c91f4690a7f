import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { home, installation, kinds, onRig, run, shim } from './rig.ts'
import type { Ran } from './rig.ts'

/** Allowed, the program must not be able to tell that a shim stood before it. */
describe.each(kinds)('%s shim, allowed', (kind) => {
  onRig(kind)
  beforeEach(() => {
    allow('/bin/cat')
  })

  function allow(program: string | Buffer): void {
    home.daemon.replies('gate.check', { verdict: 'allow', program: Buffer.from(program) })
  }

  /**
   * Runs a line of shell with $TOOL: the way to arguments that Node can't write, and to signals and limits.
   */
  const shell = (line: string, tool = installation.tool('kubectl')): Promise<Ran> =>
    run('/bin/sh', ['-c', line], { env: { ...home.env, TOOL: tool } })

  /** The same line through the shim and without it. */
  async function both(line: string): Promise<[through: Ran, direct: Ran]> {
    return [await shell(line), await shell(line, '/bin/cat')]
  }

  const withoutName = (cmdline: Buffer): Buffer => cmdline.subarray(cmdline.indexOf(0))

  test('arguments are the same bytes: newlines, no UTF-8, empty', async () => {
    const line = `exec "$TOOL" /proc/self/cmdline '' 'a\nb' "$(printf 'a\\377\\200b')" '--' ' ' ''`
    const [through, direct] = await both(line)
    expect(withoutName(through.stdout)).toEqual(withoutName(direct.stdout))
    expect(through.stdout.includes(Buffer.from([0xff, 0x80]))).toBe(true)
    const argv = home.daemon.asked('gate.check')[0]?.argv ?? []
    expect(Buffer.concat(argv.slice(1).flatMap((arg) => [Buffer.of(0), arg])).toString('latin1') + '\0').toBe(
      withoutName(direct.stdout).toString('latin1'),
    )
  })

  test('five thousand arguments', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => `argument-${index}`)
    const ran = await shim(['/proc/self/cmdline', ...many])
    expect(ran.stdout.toString().split('\0').slice(2, -1)).toEqual(many)
    expect(home.daemon.asked('gate.check')[0]?.argv).toHaveLength(5002)
  })

  test('a single argument as long as Linux takes, and more than a socket buffer in all', async () => {
    const long = 'x'.repeat(128 * 1024 - 1)
    const ran = await shim(['/proc/self/cmdline', long, long, long, long, long])
    expect(ran.stdout.length).toBeGreaterThan(5 * long.length)
    expect(home.daemon.asked('gate.check')[0]?.argv.at(-1)?.length).toBe(long.length)
  })

  test('argv[0] keeps the name that was called', async () => {
    const ran = await shim(['/proc/self/cmdline'])
    expect(ran.stdout.toString().split('\0')[0]?.split('/').at(-1)).toBe('kubectl')
  })

  test('the environment is the same bytes, odd names and dangerous ones included', async () => {
    const odd = `env "a.b=1" "BASH_FUNC_f%%=() { :; }" NODE_OPTIONS=--no-warnings NODE_EXTRA_CA_CERTS=/x LD_BIND_NOW=1 \
      "BAD=$(printf '\\377')" "$TOOL" /proc/self/environ`
    const [through, direct] = await both(odd)
    const entries = (ran: Ran): string[] =>
      ran.stdout
        .toString('latin1')
        .split('\0')
        .filter((entry) => !/^(TOOL|_)=/.test(entry))
    expect(entries(through)).toEqual(entries(direct))
  })

  test('an empty environment stays empty but for what we need', async () => {
    const ran = await run('/usr/bin/env', [
      '-i',
      `KUBEGUARD_HOME=${home.folder}`,
      installation.tool('kubectl'),
      '/proc/self/environ',
    ])
    expect(ran.stdout.toString()).toBe(`KUBEGUARD_HOME=${home.folder}\0`)
  })

  test('the pid is kept', async () => {
    const ran = await shim(['/proc/self/status'])
    expect(ran.stdout.toString()).toContain(`\nPid:\t${ran.pid}\n`)
  })

  const facts = ['SigBlk', 'SigIgn', 'SigCgt', 'Umask', 'NoNewPrivs', 'Threads', 'ShdPnd']

  test.each(['', 'trap "" PIPE HUP QUIT;', 'trap "" XFSZ CHLD INT;', 'umask 027;', 'umask 0;'])(
    'signals and umask are the same after: %s',
    async (before) => {
      const [through, direct] = await both(`${before} exec "$TOOL" /proc/self/status`)
      const picked = (ran: Ran): string[] =>
        ran.stdout
          .toString()
          .split('\n')
          .filter((line) => facts.some((fact) => line.startsWith(`${fact}:`)))
      expect(picked(through)).toEqual(picked(direct))
      expect(picked(through)).toHaveLength(facts.length)
    },
  )

  test.each(['', 'ulimit -Sn 300;', 'ulimit -n 256;', 'ulimit -c 0;'])(
    'limits are the same after: %s',
    async (before) => {
      const [through, direct] = await both(`${before} exec "$TOOL" /proc/self/limits`)
      expect(through.stdout.toString()).toBe(direct.stdout.toString())
    },
  )

  test('descriptors are the same, with one inherited, one high and one closed', async () => {
    const entry = join(home.folder, 'some-file')
    writeFileSync(entry, '')
    allow('/bin/ls')
    // cat stands in for ls in `both`, so the direct run is spelled out.
    const before = `exec 5<"${entry}" 7>/dev/null 2>&-;`
    const through = await shell(`${before} exec "$TOOL" /proc/self/fd`)
    const direct = await shell(`${before} exec "$TOOL" /proc/self/fd`, '/bin/ls')
    const listed = through.stdout.toString().trim().split('\n')
    expect(listed).toEqual(expect.arrayContaining(['0', '1', '5', '7']))

    expect(listed).toEqual(direct.stdout.toString().trim().split('\n'))
  })

  test('standard input is the command’s alone', async () => {
    const ran = await shim(['-'], { input: 'one\ntwo\n' })
    expect(ran.stdout.toString()).toBe('one\ntwo\n')
    expect(ran.stderr).toBe('')
  })

  test.each([0, 1, 3, 77, 255])('exit code %i is the program’s', async (code) => {
    allow('/bin/sh')
    expect(await shim(['-c', `exit ${code}`])).toMatchObject({ code, signal: null, stderr: '' })
  })

  test.each(['TERM', 'KILL', 'INT', 'PIPE'] as const)('death by SIG%s is the program’s', async (name) => {
    allow('/bin/sh')
    expect(await shim(['-c', `kill -${name} $$`])).toMatchObject({ code: null, signal: `SIG${name}` })
  })

  test('a reader that goes away ends the program as it would without us', async () => {
    allow('/usr/bin/yes')
    const ran = await shell(
      `{ "$TOOL"; echo "$?" >"${home.folder}/code"; } | head -n 1; cat "${home.folder}/code"`,
    )
    expect(ran.stdout.toString()).toBe('y\n141\n')
  })

  test('a script without a first line goes to the shell', async () => {
    const script = join(home.folder, 'plain')
    writeFileSync(script, 'echo "plain $1"\n')
    chmodSync(script, 0o755)
    allow(script)
    expect((await shim(['argument'])).stdout.toString()).toBe('plain argument\n')
  })

  test('a program that is not there: 127 and the cure', async () => {
    allow('/nonexistent/kubectl')
    const ran = await shim(['get', 'pods'])
    expect(ran.code).toBe(127)
    expect(ran.stderr).toBe('kubeguard: /nonexistent/kubectl can’t be run\ninstall it, or put it on PATH\n')
  })

  test('the gate is told where and how the command was started', async () => {
    const cwd = join(home.folder, 'work')
    mkdirSync(cwd)
    const env = {
      ...home.env,
      KUBECONFIG: 'a:b',
      KUBERC: 'off',
      KUBERNETES_SERVICE_HOST: 'h',
      KUBERNETES_SERVICE_PORT: '1',
    }
    await shim(['/proc/self/cmdline'], { env, cwd })
    const [asked] = home.daemon.asked('gate.check')
    expect(asked).toMatchObject({
      inCluster: true,
      ttys: 0,
      mayAsk: false,
      asked: false,
      mayWait: true,
      waits: false,
    })
    expect([asked?.cwd, asked?.path, asked?.home, asked?.kubeconfig, asked?.kuberc].map(String)).toEqual([
      cwd,
      '/usr/bin:/bin',
      home.folder,
      'a:b',
      'off',
    ])
  })

  test('a removed working directory is an absolute name where nothing is', async () => {
    const cwd = join(home.folder, 'gone')
    mkdirSync(cwd)
    await run('/bin/sh', ['-c', `rmdir "${cwd}"; exec "$TOOL" /dev/null`], {
      env: { ...home.env, TOOL: installation.tool('kubectl') },
      cwd,
    })
    expect(String(home.daemon.asked('gate.check')[0]?.cwd)).toBe(`${cwd} (deleted)`)
    rmSync(cwd, { force: true, recursive: true })
  })

  test('another tool by its own name', async () => {
    await run(installation.tool('helm'), ['/dev/null'], { env: home.env })
    expect(String(home.daemon.asked('gate.check')[0]?.argv[0])).toMatch(/(^|\/)helm$/)
  })
})
