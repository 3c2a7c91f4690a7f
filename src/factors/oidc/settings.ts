import { formatDuration, parseDuration } from '../../domain/duration.ts'
import type { FactorRules, FactorSettings, FactorWords } from '../../domain/factor.ts'
import { isMapping, refuseOtherKeys, shown } from '../../domain/policy-document.ts'
import type { Report } from '../../domain/policy-document.ts'
import { readAuthProvider } from './settings/auth-provider.ts'
import { readKubelogin } from './settings/kubelogin.ts'
import { isLoopback } from './settings/loopback.ts'

/** Which identity provider, and as which of its clients. */
export interface OidcSettings extends FactorSettings {
  readonly factor: 'oidc'
  /** As the provider itself spells it (OpenID Connect Discovery 1.0, 4.3). */
  readonly issuer: string
  readonly clientId: string
  /** Absolute path of a file of the account's own: the secret that the provider gave this client, where it gave one. */
  readonly clientSecretFile?: string
  /** Beside `openid`. */
  readonly scopes: readonly string[]
  /** Where the browser comes back to, as registered at the provider; the first whose port is free. */
  readonly redirect: readonly string[]
  /** Absolute path of a PEM file: certificates that vouch for the provider, and no others then. */
  readonly ca?: string
  /** How long a person may take to log in. */
  readonly withinMs: number
}

const key = 'oidc'
const known = ['issuer', 'clientId', 'clientSecretFile', 'scopes', 'redirect', 'ca', 'within']

/** Those of kubelogin, so that who has registered them has nothing to change. */
const usualRedirect = ['http://localhost:8000', 'http://localhost:18000']
const usualWithinMs = 5 * 60_000
const [shortestMs, longestMs] = [10_000, 10 * 60_000]
const mostListed = 32
const longestText = 2_048

export const logInWords: FactorWords = {
  ask: 'log in at the provider from',
  waiting: 'waiting for the log-in at its provider, begun on',
  unanswered: 'the log-in at its provider was begun and not finished',
}

/** The log-in at an identity provider, whose ID token is the cluster’s credential. */
export const oidcRules: FactorRules = {
  name: 'oidc',
  role: 'opens',
  words: logInWords,
  key,
  read: (raw, report) => new Reader(raw, report).settings,
  knows: (logIn) => (logIn.by === 'exec' ? readKubelogin(logIn) : readAuthProvider(logIn)),
  isSame(settings, known) {
    const { issuer, clientId } = settings as OidcSettings
    return known.settings['issuer'] === issuer && known.settings['clientId'] === clientId
  },
  describe: (settings) => `oidc (${(settings as OidcSettings).issuer})`,
}

/** Each mistake is told, at its place. */
class Reader {
  readonly settings: OidcSettings
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #report: Report

  constructor(raw: unknown, report: Report) {
    this.#report = report
    this.#fields = isMapping(raw) ? raw : {}
    if (!isMapping(raw)) this.#report(raw === undefined ? [] : [key], whole, example)
    else this.#otherKeys(raw)
    const ca = this.#path('ca', 'write the whole path of a PEM file: ca: /etc/ssl/corp.pem')
    const clientSecretFile = this.#path('clientSecretFile', secretCure)
    this.settings = {
      factor: 'oidc',
      issuer: isMapping(raw) ? this.#issuer() : '',
      clientId: isMapping(raw) ? this.#clientId() : '',
      ...(clientSecretFile !== undefined && { clientSecretFile }),
      scopes: this.#list('scopes', [], isScope, 'write for instance: scopes: [email, groups]'),
      redirect: this.#list(
        'redirect',
        usualRedirect,
        isLoopback,
        'write for instance: redirect: ["http://localhost:8000"]',
      ),
      ...(ca !== undefined && { ca }),
      withinMs: this.#within(),
    }
  }

  #issuer(): string {
    const { issuer } = this.#fields
    if (isIssuer(issuer)) return issuer
    return this.#wrong('issuer', 'write the address of the provider: issuer: https://id.example.com')
  }

  #clientId(): string {
    const { clientId } = this.#fields
    if (isText(clientId)) return clientId
    return this.#wrong(
      'clientId',
      'write the id that the provider has given this client: clientId: kubernetes',
    )
  }

  /** The daemon reads this file, and it is shown and copied: no place for a secret. */
  #otherKeys(raw: Readonly<Record<string, unknown>>): void {
    const { clientSecret, ...others } = raw
    if (clientSecret !== undefined)
      this.#report([key, 'clientSecret'], 'a client secret does not belong into this file', secretCure)
    refuseOtherKeys(others, [key], { known, later: [] }, this.#report)
  }

  #path(name: string, cure: string): string | undefined {
    const path = this.#fields[name]
    if (path === undefined || (isText(path) && path.startsWith('/'))) return path
    return this.#wrong(name, cure)
  }

  #within(): number {
    const { within } = this.#fields
    const ms =
      within === undefined ? usualWithinMs : typeof within === 'string' ? parseDuration(within) : undefined
    if (ms !== undefined && ms >= shortestMs && ms <= longestMs) return ms
    this.#wrong('within', `choose from ${formatDuration(shortestMs)} to ${formatDuration(longestMs)}`)
    return usualWithinMs
  }

  #list(
    name: string,
    usual: readonly string[],
    isRight: (text: string) => boolean,
    cure: string,
  ): readonly string[] {
    const value = this.#fields[name]
    if (value === undefined) return usual
    const isList =
      Array.isArray(value) && value.length <= mostListed && (usual.length === 0 || value.length > 0)
    if (isList && value.every((one) => isText(one) && isRight(one))) return [...new Set(value as string[])]
    this.#wrong(name, cure)
    return usual
  }

  #wrong(name: string, cure: string): string {
    const value = this.#fields[name]
    const message =
      value === undefined ? `oidc has no ${name}` : `oidc.${name}: ${shown(value)} can’t be used`
    this.#report(value === undefined ? [key] : [key, name], message, cure)
    return ''
  }
}

const secretCure =
  'put it into a file of yours (chmod 600), and write its whole path: clientSecretFile: /home/me/.config/kubeguard/client-secret'
const whole = 'oidc has no settings'
const example = 'write: oidc: { issuer: "https://id.example.com", clientId: kubernetes }'

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= longestText && !/\p{Cc}/u.test(value)

/** RFC 6749, 3.3, without `openid`, which is always asked for. */
const isScope = (text: string): boolean => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text) && text !== 'openid'

/** OpenID Connect Core 1.0, 1.2: https, without query and fragment. */
function isIssuer(value: unknown): value is string {
  if (!isText(value) || !URL.canParse(value)) return false
  const { protocol, search, hash, username, password } = new URL(value)
  return protocol === 'https:' && `${search}${hash}${username}${password}` === '' && !/[?#]$/.test(value)
}
