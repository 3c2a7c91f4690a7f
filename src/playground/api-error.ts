/** Why a request fails, as Kubernetes says it: a `Status` object with its HTTP code and reason. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: number
  readonly reason: string
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: number, reason: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }
}

export const unauthorized = (): ApiError => new ApiError(401, 'Unauthorized', 'Unauthorized')

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message)

export const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')

export const pathNotFound = (): ApiError =>
  new ApiError(404, 'NotFound', 'the server could not find the requested resource')

export const objectNotFound = (plural: string, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${plural} "${name}" not found`, { name, kind: plural })

export const alreadyExists = (plural: string, name: string): ApiError =>
  new ApiError(409, 'AlreadyExists', `${plural} "${name}" already exists`, { name, kind: plural })

export const conflict = (plural: string, name: string): ApiError =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${plural} "${name}": the object has been modified; ` +
      'please apply your changes to the latest version and try again',
    { name, kind: plural },
  )

export const invalid = (kind: string, name: string, message: string): ApiError =>
  new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${message}`, { name, kind })

/** @returns the `Status` document of a failure; an unforeseen one shows no more than its message. */
export function failureStatus(error: unknown): Record<string, unknown> & { code: number } {
  const known = error instanceof ApiError ? error : new ApiError(500, 'InternalError', String(error))
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: known.message,
    reason: known.reason,
    ...(known.details === undefined ? {} : { details: known.details }),
    code: known.code,
  }
}

/** @returns the `Status` document that answers a delete. */
export function successStatus(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }
}
