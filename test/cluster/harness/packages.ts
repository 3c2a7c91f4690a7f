import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './build.ts'

/** What is new enough in every suite, and needs no newer C library than the machine's. */
const ownPackages = ['runc', 'busybox-static']
/** Programs in Go that the machine's own suite has too old: the kubelet wants containerd 2, kubectl etcd 3.5. */
const newerPackages = ['etcd-server', 'containerd', 'containernetworking-plugins']
const newerSuite = 'forky'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

export interface NodePrograms {
  readonly etcd: string
  /** Folders for PATH: containerd, its shim, ctr and runc. */
  readonly path: readonly string[]
  readonly cni: string
  readonly busybox: string
}

/**
 * Unpacks Debian's packages beside the system, once; nothing is installed. apt checks their signatures.
 * @throws Error with what apt said.
 */
export function unpackPackages(say: (text: string) => void): NodePrograms {
  const folder = join(cacheFolder(), `debian-${ownSuite()}-${newerSuite}`)
  if (!existsSync(folder)) fetchInto(folder, say)
  const sbin = ['usr/bin', 'usr/sbin'].map((name) => join(folder, name))
  const busybox = ['bin/busybox', 'usr/bin/busybox'].map((name) => join(folder, name)).find(existsSync)
  if (busybox === undefined) throw new Error('the package busybox-static has no busybox')
  return { etcd: join(folder, 'usr/bin/etcd'), path: sbin, cni: join(folder, 'usr/lib/cni'), busybox }
}

function ownSuite(): string {
  const suite = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  if (suite === undefined) throw new Error('this is no Debian: /etc/os-release names no suite')
  return suite
}

function fetchInto(folder: string, say: (text: string) => void): void {
  say('fetching containerd, runc, etcd and the CNI plugins from Debian')
  const work = mkdtempSync(join(cacheFolder(), 'debian-'))
  try {
    const apt = privateApt(work)
    run('apt-get', [...apt, 'update', '-qq'], work)
    const own = ownPackages.map((name) => `${name}/${ownSuite()}`)
    const newer = newerPackages.map((name) => `${name}/${newerSuite}`)
    run('apt-get', [...apt, 'download', '-qq', ...own, ...newer], work)
    for (const name of readdirSync(work).filter((entry) => entry.endsWith('.deb')))
      run('dpkg-deb', ['-x', name, 'unpacked'], work)
    renameSync(join(work, 'unpacked'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** @returns options that keep apt to lists and sources of our own, on the mirror that the machine uses. */
function privateApt(work: string): string[] {
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : ''
  const uri = ownMirror(work)
  const sources = [ownSuite(), newerSuite].map((suite) => `deb ${signed}${uri} ${suite} main\n`)
  writeFileSync(join(work, 'sources.list'), sources.join(''))
  writeFileSync(join(work, 'status'), '')
  for (const name of ['lists/partial', 'cache/archives/partial', 'unpacked'])
    mkdirSync(join(work, name), { recursive: true })
  const options = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'Acquire::Retries': '3',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'APT::Sandbox::User': '',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

/** @returns where apt has the machine's own suite from; it knows once it has read that mirror's lists. */
export function ownMirror(work: string): string {
  const ask = (): string | undefined => {
    const format = '$(COMPONENT) $(RELEASE) $(REPO_URI)'
    const targets = run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], work)
    const line = targets.split('\n').find((target) => target.startsWith(`main ${ownSuite()} `))
    return line?.split(' ')[2]
  }
  const known = ask()
  if (known !== undefined) return known
  run('apt-get', ['update', '-qq'], work)
  const uri = ask()
  if (uri === undefined) throw new Error(`apt knows no mirror of ${ownSuite()}`)
  return uri
}

function run(file: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(file, [...args], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.at(-1)} failed: ${error?.message ?? stderr}`)
  return stdout
}
