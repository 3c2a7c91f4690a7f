import { describe, expect, test } from 'vitest'
import { checkClientCertificates } from '../../../../src/cluster-check/checks/client-certificates.ts'
import { samplesOf } from '../../../../src/cluster-check/metrics.ts'
import { cluster, flags, noted } from '../scripted-cluster.ts'

describe('client certificates', () => {
  const nothing = { me: undefined, controllers: undefined, metrics: { samples: undefined, needs: '' } }

  test('this very credential, by its digest', async () => {
    const me = (id: string) => ({
      username: 'a',
      groups: [],
      extra: { 'authentication.kubernetes.io/credential-id': [id] },
    })
    const of = (id: string) =>
      noted((notes) => checkClientCertificates(cluster([]), notes, { ...nothing, me: me(id) }))
    expect((await of('X509SHA256=abc'))[0]).toMatch(/^medium credential-certificate user a/)
    expect((await of('JTI=abc'))[0]).toMatch(/^\?/)
  })

  test('how long the cluster signs for: a year unless it is told', async () => {
    const of = (...servers: Record<string, string>[]) =>
      noted((notes) =>
        checkClientCertificates(cluster([]), notes, { ...nothing, controllers: flags(...servers) }),
      )
    expect((await of({}))[0]).toMatch(/^medium client-certificate-signing .*365d/)
    expect((await of({ 'cluster-signing-duration': '48h0m0s' }))[0]).toMatch(/48h0m0s/)
    expect((await of({ 'cluster-signing-duration': '24h' })).join('\n')).not.toContain(
      'client-certificate-signing',
    )
  })

  test('those in use with more than a day left', async () => {
    const name = 'apiserver_client_certificate_expiration_seconds'
    const samples = samplesOf(`${name}_bucket{le="86400"} 2\n${name}_count 5\n`, [name])
    const [found] = await noted((notes) =>
      checkClientCertificates(cluster([]), notes, { ...nothing, metrics: { samples, needs: '' } }),
    )
    expect(found).toMatch(/^low client-certificate-in-use .*: 3 of 5 log-ins/)
  })
})
