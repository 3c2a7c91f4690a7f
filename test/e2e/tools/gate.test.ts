import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { good } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { until } from '../../fixtures/terminal.ts'
import type { LiveStatus } from '../../../src/protocol/reports.ts'
import { kinds, ToolsHome } from './tools-home.ts'

describe.each(kinds)('%s shim of another tool', (kind) => {
  let tools: ToolsHome
  const unlock = async () => good(await tools.kubeguard('unlock', '--all', '--passphrase-fd', '3'))
  const lock = async () => good(await tools.kubeguard('lock'))
  const clients = async (): Promise<LiveStatus[]> => {
    const { stdout } = good(await tools.kubeguard('ps', '--json'))
    return (JSON.parse(stdout) as { clients: LiveStatus[] }).clients
  }

  beforeAll(async () => {
    tools = await ToolsHome.make(kind)
    good(await tools.kubeguard('shim', 'add', 'helm', 'oc', 'kubetail'))
    await unlock()
    // Discovery is cached from here on, for both ways.
    good(await tools.through('oc api-resources && helm list -A'))
    await lock()
  }, 180_000)
  afterAll(() => tools.home.dispose())

  test.each([
    'helm list -A',
    'helm list -A -o json | cat',
    'helm status nothing; echo $?',
    'helm list --no-such-flag; echo $?',
    `printf 'replicas: 3\\n' | helm get values -n shop shop -o json; echo $?`,
    'helm env | grep -c HELM_',
    `helm list -A --filter $'a\\377\\nb' ''; echo $?`,
    'oc get pods -o name',
    `printf one | oc exec -i web-0 -- cat`,
    'oc exec web-0 -- sh -c "exit 3"; echo $?',
    'oc get pods >&-; echo $?',
    // No watch: it heeds signals in its own way only some time after its first line.
    'set -m; oc exec web-0 -- sh -c "echo begun; sleep 100" >seen & until grep -qs . seen; do sleep 0.05; done; kill -HUP $!; wait $! 2>/dev/null; echo $?',
    'bash -c "exec -a renamed oc options" | head -n 1',
  ])('unlocked it is as without it: %s', async (line) => {
    await unlock()
    const direct = await tools.direct(line)
    expect(direct.stdout + direct.stderr).not.toBe('')
    expect(await tools.through(line)).toEqual(direct)
  })

  test('locked, it is refused as kubectl is; what meets no cluster, and completion, is not', async () => {
    await lock()
    for (const line of ['helm list', 'helm --debug get all x', 'oc get pods', 'kubetail web-0']) {
      const refused = await tools.through(line)
      expect({ line, ...refused }).toMatchObject({ line, code: 77, stdout: '' })
      expect(refused.stderr).toMatch(
        /^kubeguard: default is locked since .*\nrun: kubeguard unlock default\n$/,
      )
    }
    for (const line of [
      'helm version --short',
      'helm',
      'helm install --help',
      'helm __complete li',
      'oc --help',
    ]) {
      expect([line, await tools.through(line)]).toEqual([line, await tools.direct(line)])
    }
    for (const line of [
      'helm __complete status ""',
      'oc __complete get pods ""',
      'COMP_LINE="kubetail " kubetail x',
    ])
      expect([line, await tools.through(line)]).toEqual([line, { code: 0, stdout: '', stderr: '' }])
    const { stdout } = await tools.kubeguard('log', '--event', 'refused', '--json')
    expect(stdout).toMatch(/"program":\s*"helm"/)
  })

  test('the context is that of its flags: another one may be open', async () => {
    await lock()
    good(await tools.kubeguard('unlock', 'prod', '--passphrase-fd', '3'))
    expect(await tools.through('helm list')).toMatchObject({ code: 77 })
    for (const flag of ['--kube-context prod-playground', '--kube-context=prod-playground'])
      expect(await tools.through(`helm list ${flag}`)).toMatchObject({ code: 0, stderr: '' })
    expect(await tools.through('oc get pods --context prod-playground')).toMatchObject({ code: 0 })
    good(
      await tools.through(
        'sed s/^current-context:.*/current-context:\\ prod-playground/ .kube/config >prod.yaml',
      ),
    )
    expect(await tools.through('helm list --kubeconfig prod.yaml')).toMatchObject({ code: 0 })
    expect(await tools.through('KUBECONFIG=prod.yaml helm list')).toMatchObject({ code: 0 })
  })

  test('on a terminal it asks, and goes on', async () => {
    await lock()
    using person = await personIn(tools.home)
    const { code, shown } = await person.enterAndUnlock('helm list -A')
    expect(code).toBe(0)
    expect(shown).toContain('shop-0.3.0')
  })

  test('a stream is named, and ended by a lock: with a terminal and without one, a script too', async () => {
    await unlock()
    using person = await personIn(tools.home)
    const streams = [
      ['kubetail web-0', 'kubetail'],
      ['oc exec web-0 -- sleep 600', 'oc'],
      ['setsid oc exec web-0 -- sleep 600 </dev/null', 'oc'],
    ]
    for (const [line, command] of streams) {
      person.type(`${line} >/dev/null 2>&1 &\r`)
      await until(`${line} among the clients`, async () =>
        (await clients()).some((each) => each.command === command),
      )
    }
    await until(
      'all three',
      async () => (await clients()).filter(({ command }) => /^(oc|kubetail)$/.test(command)).length === 3,
    )
    expect((await clients()).filter(({ fate }) => fate !== 'ended')).toEqual([])
    await lock()
    expect(await clients()).toEqual([])
    const left = await tools.through('pgrep -f "[o]c exec web-0 -- sleep|[k]ubetail web-0"')
    expect(left.stdout).toBe('')
  })

  test('what stands in for a tool is passed by, and a script may call kubectl with the same arguments', async () => {
    await unlock()
    tools.script('flux', '#!/bin/sh\necho flux >>ran\nkubectl "$@"\n')
    good(await tools.kubeguard('shim', 'add', 'flux'))
    expect(await tools.through('flux get pods -o name')).toEqual(
      await tools.direct('kubectl get pods -o name'),
    )
    // A version manager's: it calls what PATH has, which is the shim again.
    tools.script('stern', '#!/bin/sh\n[ "$STERN" = 1 ] && exec echo real "$@"\nSTERN=1 exec stern "$@"\n')
    good(await tools.kubeguard('shim', 'add', 'stern'))
    const once = await tools.through('stern web')
    expect(once).toMatchObject({ code: 127, stdout: '' })
    expect(once.stderr).toBe(
      'kubeguard: no stern is on PATH behind the shim\ninstall it, or put it on PATH\n',
    )
    // Two that call each other come to an end.
    tools.script('flux', '#!/bin/sh\nexec stern "$@"\n')
    tools.script('stern', '#!/bin/sh\nexec flux "$@"\n')
    expect(await tools.through('flux web')).toMatchObject({ code: 127 })
    good(await tools.kubeguard('shim', 'remove', 'flux', 'stern'))
  })

  test('refuses in its own words where nothing stands behind it', async () => {
    tools.script('velero', '#!/bin/sh\n')
    good(await tools.kubeguard('shim', 'add', 'velero'))
    good(await tools.through('rm "$OLDPWD/tools/velero" 2>/dev/null || rm ../tools/velero'))
    const { code, stderr } = await tools.through('velero get backups')
    expect({ code, stderr }).toEqual({
      code: 127,
      stderr: 'kubeguard: no velero is on PATH behind the shim\ninstall it, or put it on PATH\n',
    })
    const { stdout } = await tools.kubeguard('doctor', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ id: 'tool-missing', cure: 'run: kubeguard shim remove velero' }) as unknown,
      ]) as unknown,
    })
    good(await tools.kubeguard('shim', 'remove', 'velero'))
  })
})
