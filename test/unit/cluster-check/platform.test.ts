import { expect, test } from 'vitest'
import { platformOf } from '../../../src/cluster-check/platform.ts'

test.each([
  ['v1.34.1-eks-1234567', '', 'eks'],
  ['v1.34.1-gke.1829000', '', 'gke'],
  ['v1.34.1+k3s1', '', 'k3s'],
  ['v1.34.1+rke2r1', '', 'k3s'],
  ['v1.34.1', 'https://a.hcp.westeurope.azmk8s.io:443', 'aks'],
  ['v1.34.1', 'https://10.0.0.1', 'server'],
])('%s at %j is %s', (gitVersion, server, platform) =>
  expect(platformOf(JSON.stringify({ gitVersion }), server, undefined)).toBe(platform),
)
