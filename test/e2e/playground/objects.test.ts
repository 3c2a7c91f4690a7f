import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPlayground } from '../../../src/playground/playground.ts'
import type { Playground } from '../../../src/playground/playground.ts'
import { allKubectls, helm } from '../../fixtures/tools.ts'
import { ClientHome, listen, until } from './client-home.ts'
import type { Result } from './client-home.ts'

let playground: Playground
let home: ClientHome

beforeAll(async () => {
  playground = await startPlayground()
  home = new ClientHome(playground.kubeconfig())
})
afterAll(async () => {
  home.close()
  await playground.close()
})

describe.each(allKubectls())('%s', (kubectl) => {
  const run = (args: string, input = ''): Promise<Result> => home.run(kubectl, args.split(' '), input)
  const output = async (args: string, input = ''): Promise<string> => {
    const { code, stdout, stderr } = await run(args, input)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    return stdout
  }

  test('lists pods as tables, of one and of all namespaces', async () => {
    const pods = await output('get pods')
    expect(pods).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\ndb-0 +1\/1 +Running +0 +26h\nweb-0 /)
    expect(await output('get pods -A -o wide')).toMatch(/shop +cart-0 .* 10\.244\.0\.4 +node-1/)
    expect(await output('get nodes,ns,svc')).toMatch(
      /node\/node-0 +Ready +control-plane[^]*namespace\/shop +Active[^]*8080\/TCP/,
    )
    expect(await output('get all -n shop --no-headers')).toMatch(/^pod\/cart-0 .*\npod\/payments-0 .*\n/)
  })

  test('shows objects as YAML, JSON, names, jsonpath and columns', async () => {
    expect(await output('get pod web-0 -o yaml')).toMatch(/^apiVersion: v1\nkind: Pod\nmetadata:[^]*app: web/)
    expect(JSON.parse(await output('get pods -o json')).items).toHaveLength(3)
    expect(await output('get cm -o name')).toBe('configmap/web-config\n')
    expect(await output('get secret db-password -o jsonpath={.data.username}')).toBe('c2hvcA==')
    expect(await output('get pods --sort-by=.metadata.name --no-headers')).toMatch(/^db-0/)
    expect(await output('get pods -o custom-columns=N:.metadata.name --no-headers')).toBe(
      'db-0\nweb-0\nweb-1\n',
    )
  })

  test('selects by label and by field', async () => {
    expect(await output('get pods -o name -l app=web')).toBe('pod/web-0\npod/web-1\n')
    expect(await output('get pods -o name -l app!=web,tier')).toBe('pod/db-0\n')
    expect((await home.run(kubectl, ['get', 'po', '-o', 'name', '-l', 'app in (db, x)'])).stdout).toBe(
      'pod/db-0\n',
    )
    expect((await home.run(kubectl, ['get', 'po', '-o', 'name', '-l', 'app notin (db)'])).stdout).toMatch(
      /web-0/,
    )
    expect(await output('get pods -o name --field-selector metadata.name=web-1')).toBe('pod/web-1\n')
    expect((await run('get pods -l app=none')).stderr).toBe('No resources found in default namespace.\n')
  })

  test('answers raw paths, discovery, explain, describe, cluster-info and events', async () => {
    expect(JSON.parse(await output('get --raw /api/v1/namespaces/shop/pods')).items).toHaveLength(2)
    expect(await output('get --raw /readyz')).toBe('ok')
    expect(await output('api-resources')).toMatch(/configmaps +cm +v1 +true +ConfigMap/)
    expect(await output('explain configmap')).toMatch(/KIND: +ConfigMap/)
    expect(await output('describe pod web-0')).toMatch(/Name: +web-0[^]*Image: +example\.test\/web:1\.4\.2/)
    expect(await output('cluster-info')).toContain('is running at')
    expect((await run('get events')).stderr).toContain('No resources found')
    expect((await run('version')).stdout).toContain('Server Version: v1.35.0+kubeguard-playground')
  })

  test('says what is not there or not allowed', async () => {
    expect(await run('get pod nope')).toMatchObject({
      code: 1,
      stderr: 'Error from server (NotFound): pods "nope" not found\n',
    })
    expect((await run('get deployments')).stderr).toContain(
      `the server doesn't have a resource type "deployments"`,
    )
    expect((await run('delete node node-0')).stderr).toContain('MethodNotAllowed')
    expect((await run('create cm x -n nowhere')).stderr).toContain('namespaces "nowhere" not found')
    expect((await run('create cm web-config')).stderr).toContain('configmaps "web-config" already exists')
    expect((await run('create cm Bad')).stderr).toContain('must be a lowercase RFC 1123 subdomain')
  })

  test('applies, labels, edits, patches and deletes a config map', async () => {
    const manifest = (colour: string): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'paint' },
        data: { colour, gloss: 'no' },
      })
    expect(await output('apply -f -', manifest('red'))).toBe('configmap/paint created\n')
    expect(await output('apply -f -', manifest('red'))).toBe('configmap/paint unchanged\n')
    expect(await output('apply -f -', manifest('blue'))).toBe('configmap/paint configured\n')
    expect(await output('get cm paint -o jsonpath={.data}')).toBe('{"colour":"blue","gloss":"no"}')
    await output('label cm paint room=hall')
    expect(await output('get cm -l room=hall -o name')).toBe('configmap/paint\n')
    await output('patch cm paint --type=json -p [{"op":"remove","path":"/data/gloss"}]')
    await output('patch cm paint --type=merge -p {"data":{"coats":"2"}}')
    expect(await output('get cm paint -o jsonpath={.data}')).toBe('{"coats":"2","colour":"blue"}')
    await output('delete cm paint --dry-run=server')
    expect(await output('delete cm paint')).toMatch(/^configmap "paint" deleted/)
    expect((await run('get cm paint')).code).toBe(1)
  })

  test('creates config maps and secrets from literals', async () => {
    expect(await output('create cm made --from-literal=a=1 --from-literal=b=ü')).toBe(
      'configmap/made created\n',
    )
    expect(await output('get cm made -o jsonpath={.data}')).toBe('{"a":"1","b":"ü"}')
    expect(await output('create secret generic hidden --from-literal=key=value')).toBe(
      'secret/hidden created\n',
    )
    expect(await output('get secret hidden -o jsonpath={.type},{.data.key}')).toBe('Opaque,dmFsdWU=')
    await output('delete cm/made secret/hidden')
  })

  test('applies on the server, runs and deletes a pod', async () => {
    const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: served}\ndata: {a: b}\n'
    expect(await output('apply --server-side -f -', manifest)).toBe('configmap/served serverside-applied\n')
    await output('delete cm served')
    expect(await output('run job --image=example.test/job:1')).toBe('pod/job created\n')
    expect(await output('wait pod/job --for=condition=Ready')).toBe('pod/job condition met\n')
    expect(await output('delete pod job')).toMatch(/^pod "job" deleted/)
  })

  test('watches: tables and objects, changes and deletions', async () => {
    const openWatches = (): number =>
      playground.requests.entries.filter(({ target }) => target.includes('watch=true')).length
    const before = openWatches()
    const all = home.start(kubectl, ['get', 'cm', '-w'])
    const selected = home.start(kubectl, ['get', 'cm', '-w', '-l', 'seen', '--output-watch-events'])
    const [table, events] = [listen(all.stdout), listen(selected.stdout)]
    await until(() => openWatches() === before + 2)
    await output('create cm seen-1 --from-literal=a=1')
    await output('label cm seen-1 seen=')
    await output('label cm seen-1 seen-')
    await output('delete cm seen-1')
    await until(
      () => (table.text.match(/seen-1 +1/g) ?? []).length >= 3,
      () => table.text,
    )
    await until(
      () => /DELETED +seen-1/.test(events.text),
      () => events.text,
    )
    expect(events.text).toMatch(/ADDED +seen-1 .*\nDELETED +seen-1/)
    all.kill()
    selected.kill()
  })

  test('knows who asks and what may be done', async () => {
    expect(await output('auth whoami')).toMatch(/Username +playground/)
    expect(await output('auth can-i delete pods')).toBe('yes\n')
    expect(await output('auth can-i --list')).toContain('[*]')
  })
})

test('helm lists the seeded release', async () => {
  const { code, stdout } = await home.run(helm(), ['list', '-A'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/shop\s+shop\s+1\s+.*deployed\s+shop-0\.3\.0\s+2\.0\.0/)
})
