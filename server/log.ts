/** The log: one JSON object a line. Only listed fields of a request are written, and names that hold secrets are blacked out. */
import { pino, type DestinationStream, type Logger } from 'pino'
import type { Clock } from '../shared/clock.ts'

export type Log = Logger

/** In whatever object they turn up, to a depth of three. */
const secretNames = [
  'authorization',
  'cookie',
  '["set-cookie"]',
  'password',
  'token',
  'contentToken',
  'secret',
  'clientSecret',
  'privateKey',
  'serviceAccountKey',
  'credential',
  'apiKey',
  'key',
]
const paths = secretNames.flatMap((name) => (name.startsWith('[') ? [name, `*${name}`, `*.*${name}`] : [name, `*.${name}`, `*.*.${name}`]))

/** A thrown thing without its own properties: database drivers hang the parameters of a query on it. */
export const errorInLog = (error: unknown): unknown =>
  error instanceof Error
    ? {
        type: error.name,
        message: error.message,
        code: typeof Reflect.get(error, 'code') === 'string' ? String(Reflect.get(error, 'code')) : undefined,
        stack: error.stack,
        cause: error.cause === undefined ? undefined : errorInLog(error.cause),
      }
    : { type: typeof error, message: String(error) }

export const createLog = (deps: {
  readonly clock: Clock
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Standard error by default: standard output is for the line that holds the address. */
  readonly destination?: DestinationStream
}): Log =>
  pino(
    {
      level: deps.level ?? 'info',
      base: null,
      timestamp: () => `,"time":"${new Date(deps.clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: '***' },
      serializers: { err: errorInLog, error: errorInLog },
    },
    deps.destination ?? pino.destination({ dest: 2, sync: true }),
  )
