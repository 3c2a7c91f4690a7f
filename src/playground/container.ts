import { badRequest } from './api-error.ts'
import { fieldAt, isRecord } from './kube-object.ts'
import type { KubeObject } from './kube-object.ts'

/**
 * @param asked the container that the client named, or nothing for the pod's first.
 * @returns a container's name.
 * @throws ApiError 400 for a container that the pod doesn't have.
 */
export function containerOf(pod: KubeObject, asked: string | null): string {
  const containers = fieldAt(pod, 'spec.containers')
  const names = Array.isArray(containers) ? containers.filter(isRecord).map(({ name }) => String(name)) : []
  const name = asked === null || asked === '' ? names[0] : names.find((known) => known === asked)
  if (name === undefined)
    throw badRequest(`container ${asked ?? ''} is not valid for pod ${pod.metadata.name}`)
  return name
}
