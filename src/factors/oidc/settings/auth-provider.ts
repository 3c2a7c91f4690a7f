import type { ForeignLogIn, KnownLogIn } from '../../../domain/foreign-log-in.ts'

/**
 * The `auth-provider: oidc` that kubectl has built in (client-go, plugin/pkg/client/auth/oidc). It renews tokens that some
 * tool once put there, and logs nobody in: where the browser may come back to is not said.
 */
export function readAuthProvider({
  name,
  config,
}: Extract<ForeignLogIn, { by: 'auth-provider' }>): KnownLogIn | undefined {
  const issuer = config['idp-issuer-url'] ?? ''
  if (name !== 'oidc' || issuer === '') return undefined
  const said = (key: string): string | undefined => (config[key] === '' ? undefined : config[key])
  const scopes = (said('extra-scopes') ?? '').split(',').filter((scope) => scope !== '' && scope !== 'openid')
  const [ca, authorities] = [said('idp-certificate-authority'), said('idp-certificate-authority-data')]
  const isRelative = ca !== undefined && !ca.startsWith('/')
  return {
    program: 'kubectl’s auth provider',
    settings: {
      issuer,
      clientId: said('client-id') ?? '',
      ...(scopes.length > 0 && { scopes: [...new Set(scopes)] }),
      ...(authorities === undefined && ca !== undefined && { ca }),
    },
    clientSecret: said('client-secret'),
    authorities,
    caches: [],
    obstacles: [
      ...(said('client-id') === undefined ? ['client-id is missing'] : []),
      ...(authorities === undefined && isRelative
        ? ['idp-certificate-authority is no whole path: it depends on where kubectl runs']
        : []),
    ],
    changes: [
      'the browser comes back to http://localhost:8000 or :18000: have the provider allow them, or write oidc.redirect',
      ...(said('refresh-token') === undefined && said('id-token') === undefined
        ? []
        : ['its tokens stood in the file, and are not kept: after an eject log in again by what wrote them']),
    ],
  }
}
