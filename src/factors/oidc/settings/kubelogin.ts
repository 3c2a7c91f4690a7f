import type { ForeignLogIn, KnownLogIn } from '../../../domain/foreign-log-in.ts'
import { isLoopback } from './loopback.ts'
import { readFlags } from './plugin-flags.ts'

type Exec = Extract<ForeignLogIn, { by: 'exec' }>

/** Flags of int128/kubelogin's get-token (kubelogin, docs/usage.md and pkg/cmd), older versions' included. */
const withValue = new Set(
  `--oidc-issuer-url --oidc-client-id --oidc-client-secret --oidc-redirect-url --oidc-extra-scope
  --oidc-request-header --token-cache-dir --token-cache-storage --certificate-authority --certificate-authority-data
  --oidc-pkce-method --grant-type --listen-address --browser-command --authentication-timeout-sec --local-server-cert
  --local-server-key --open-url-after-authentication --oidc-redirect-url-hostname --oidc-redirect-url-authcode-keyboard
  --oidc-auth-request-extra-params --username --password --v`.split(/\s+/),
)
const switches = new Set(
  `--oidc-use-pkce --oidc-use-access-token --force-refresh --insecure-skip-tls-verify --tls-renegotiation-once
  --tls-renegotiation-freely --skip-open-browser --force-keyring --no-keyring`.split(/\s+/),
)

/** Each flag that asks for what a log-in by us does not do, and why that is. */
const beyond: Readonly<Record<string, string>> = {
  '--oidc-use-access-token': 'the cluster is given the ID token, never the access token',
  '--oidc-request-header': 'no headers of one’s own are sent',
  '--oidc-auth-request-extra-params': 'no parameters of one’s own are sent',
  '--insecure-skip-tls-verify': 'the provider’s certificate is always checked',
  '--tls-renegotiation-once': 'no renegotiation of TLS',
  '--tls-renegotiation-freely': 'no renegotiation of TLS',
  '--local-server-cert': 'the browser comes back without TLS, on this machine alone',
  '--username': 'a person logs in at the provider, by no password that stands here',
  '--password': 'a person logs in at the provider, by no password that stands here',
}

const grants = new Set(['', 'auto', 'authcode', 'device-code'])
const usualListen = ['127.0.0.1:8000', '127.0.0.1:18000']
const [leastSeconds, mostSeconds] = [10, 600]

/** @returns undefined for another program, Azure’s of the same name too: that one has no `--oidc-issuer-url` */
export function readKubelogin({ command, args, env, home }: Exec): KnownLogIn | undefined {
  const program = command.slice(command.lastIndexOf('/') + 1)
  const own = program === 'kubectl' && args[0] === 'oidc-login' ? args.slice(1) : args
  const isKubelogin = own !== args || program === 'kubelogin' || program === 'kubectl-oidc_login'
  if (!isKubelogin || own[0] !== 'get-token') return undefined
  const { values, strange } = readFlags(own.slice(1), { withValue, switches })
  const told = new Told(values)
  if (told.last('--oidc-issuer-url') === '') return undefined
  const { redirect, obstacle } = told.redirect()
  const authorities = told.authorities(home)
  const clientSecret = told.last('--oidc-client-secret')
  return {
    program: 'kubelogin',
    settings: {
      issuer: told.last('--oidc-issuer-url'),
      clientId: told.last('--oidc-client-id'),
      ...told.scopes(),
      ...(redirect !== undefined && { redirect }),
      ...(authorities.ca !== undefined && { ca: authorities.ca }),
      ...told.within(),
    },
    clientSecret: clientSecret === '' ? undefined : clientSecret,
    authorities: authorities.data,
    caches: told.caches(home, env),
    obstacles: [
      ...strange.map((name) => `${name} is not known`),
      ...told.beyond(),
      ...proxies(env),
      ...[obstacle, authorities.obstacle].filter((text) => text !== undefined),
    ],
    changes: told.changes(),
  }
}

class Told {
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  last(flag: string): string {
    return this.#values.get(flag)?.at(-1) ?? ''
  }

  isOn(flag: string): boolean {
    return !['', 'false', '0', 'f', 'F', 'FALSE', 'False'].includes(this.last(flag))
  }

  /** pflag's lists: given again and again, or with commas. */
  #list(flag: string): readonly string[] {
    return (this.#values.get(flag) ?? []).flatMap((text) => text.split(','))
  }

  scopes(): { readonly scopes?: readonly string[] } {
    const scopes = this.#list('--oidc-extra-scope').filter((scope) => scope !== 'openid' && scope !== '')
    return scopes.length === 0 ? {} : { scopes: [...new Set(scopes)] }
  }

  within(): { readonly within?: string } {
    const seconds = Number(this.last('--authentication-timeout-sec') || Number.NaN)
    if (!Number.isInteger(seconds)) return {}
    return { within: `${Math.min(mostSeconds, Math.max(leastSeconds, seconds))}s` }
  }

  /** Its server listens at addresses, and the provider knows their ports under the name `localhost`. */
  redirect(): { readonly redirect?: readonly string[]; readonly obstacle?: string } {
    const whole = this.last('--oidc-redirect-url')
    const host = this.last('--oidc-redirect-url-hostname') || 'localhost'
    const listen = this.#list('--listen-address')
    if (whole === '' && host === 'localhost' && (listen.length === 0 || listen.join() === usualListen.join()))
      return {}
    const ports = (listen.length === 0 ? usualListen : listen).map((address) => /:(\d+)$/.exec(address)?.[1])
    const redirect =
      whole === ''
        ? ports.map((port) => `http://${host}${port === '0' ? '' : `:${port ?? '?'}`}`)
        : [whole.replace(/\/$/, '')]
    if (redirect.every(isLoopback)) return { redirect: [...new Set(redirect)] }
    return { obstacle: 'the browser is to come back to another place than a port of this machine' }
  }

  authorities(home: string): { readonly ca?: string; readonly data?: string; readonly obstacle?: string } {
    const files = this.#values.get('--certificate-authority') ?? []
    const data = this.#values.get('--certificate-authority-data') ?? []
    const [file] = files
    if (files.length + data.length > 1)
      return { obstacle: 'it names several certificate authorities: put them into one PEM file' }
    if (file === undefined) return data[0] === undefined ? {} : { data: data[0] }
    const ca = file.replace(/^~(?=\/)/, home)
    return ca.startsWith('/')
      ? { ca }
      : { obstacle: '--certificate-authority is no whole path: it depends on where kubectl runs' }
  }

  caches(home: string, env: Exec['env']): string[] {
    if (this.#isInKeyring() || this.last('--token-cache-storage') === 'none') return []
    const moved = env.find(({ name }) => name === 'KUBECACHEDIR')?.value
    const folder =
      this.last('--token-cache-dir') || (moved === undefined ? '' : `${moved.replace(/\/$/, '')}/oidc-login`)
    if (folder === '') return ['kubelogin']
    const below = folder.startsWith('~/')
      ? folder.slice(2)
      : folder.startsWith(`${home}/`)
        ? folder.slice(home.length + 1)
        : ''
    // Names with a glob in them, and whole folders of the home, are for nobody to wipe unasked (policy-wipe.ts).
    const isPlain = /^[^*?\0]+\/[^*?\0]+$/.test(below) && !/(^|\/)\.{0,2}(\/|$)/.test(below)
    return isPlain ? [`~/${below}`] : []
  }

  #isInKeyring(): boolean {
    return this.last('--token-cache-storage') === 'keyring' || this.isOn('--force-keyring')
  }

  beyond(): string[] {
    const grant = this.last('--grant-type')
    return [
      ...Object.entries(beyond).flatMap(([flag, why]) => (this.isOn(flag) ? [`${flag}: ${why}`] : [])),
      ...(grants.has(grant)
        ? []
        : [`--grant-type=${grant}: a person logs in, in a browser or on another device`]),
      ...(this.last('--oidc-client-id') === '' ? ['--oidc-client-id is missing'] : []),
    ]
  }

  changes(): string[] {
    return [
      ...(this.#isInKeyring() ? ['its tokens in the key ring are not reached: run kubelogin clean'] : []),
      ...(this.last('--grant-type') === 'device-code'
        ? ['a browser of this machine is used where there is one, a code for another device elsewhere']
        : []),
      ...(this.last('--browser-command') === '' ? [] : ['the browser is the one that $BROWSER names']),
    ]
  }
}

/** The keeper speaks to the provider itself, in an environment that is nobody's. */
const proxies = (env: Exec['env']): string[] =>
  env
    .filter(({ name, value }) => /^(https?|all)_proxy$/i.test(name) && value !== '')
    .map(({ name }) => `${name}: the provider is spoken to without a proxy`)
