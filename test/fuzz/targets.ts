import { daemon } from './frames/daemon.ts'
import { decoder } from './frames/decoder.ts'
import { shim } from './native/shim.ts'
import { nativeReaders } from './native/readers.ts'
import { argv } from './argv/argv.ts'
import { policy } from './policy/policy.ts'
import { execCredential } from './exec-credential/exec-credential.ts'
import { kubeconfig } from './kubeconfig/kubeconfig.ts'
import type { Target } from './target.ts'

export const targets: readonly Target[] = [
  decoder,
  daemon,
  nativeReaders,
  shim,
  argv,
  policy,
  execCredential,
  kubeconfig,
]
