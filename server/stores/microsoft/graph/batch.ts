/** Twenty requests in one, each with an answer of its own. Source: docs/stores/microsoft-graph.md, 3. */
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { GetOptions, GraphClient, ReadFailure, SendFailure } from './client.ts'
import { parseBatch, type BatchAnswer } from './wire.ts'

export const mostInBatch = 20

export interface BatchRequest {
  /** Below the version; every part of the path is encoded. */
  readonly url: string
  /** Absent: a GET. */
  readonly body?: unknown
}

/** One answer for each request, in their order. Undefined: what became of it is not known. */
export type BatchAnswers = readonly (BatchAnswer | undefined)[]

const mostRounds = 4

const payload = (requests: readonly BatchRequest[], places: readonly number[]): unknown => ({
  requests: places.map((place) => {
    const request = requests[place]
    return request?.body === undefined
      ? { id: String(place), method: 'GET', url: request?.url }
      : { id: String(place), method: 'POST', url: request.url, headers: { 'Content-Type': 'application/json' }, body: request.body }
  }),
})

const isBusy = ({ status }: BatchAnswer): boolean => status === 429
const isTrouble = ({ status }: BatchAnswer): boolean => status >= 500 || status === 408

/** The longest of what the throttled ones ask for. */
const retryAfterOf = (answers: readonly BatchAnswer[]): string | undefined =>
  answers
    .map(({ retryAfter }) => retryAfter)
    .filter((each) => each !== undefined)
    .sort((a, b) => Number(a) - Number(b))
    .at(-1)

/** Reads: what was throttled, had trouble or got no answer is asked again, and that alone. */
export const readBatch = async (
  client: GraphClient,
  requests: readonly BatchRequest[],
  options: GetOptions = {},
): Promise<Result<BatchAnswers, ReadFailure>> => {
  const answers: (BatchAnswer | undefined)[] = requests.map(() => undefined)
  for (let from = 0; from < requests.length; from += mostInBatch) {
    let open = requests.slice(from, from + mostInBatch).map((_, place) => from + place)
    for (let round = 1; open.length > 0 && round <= mostRounds; round += 1) {
      const answer = await client.ask('/$batch', payload(requests, open), options)
      if (!answer.ok) return answer
      const parsed = parseBatch(answer.value)
      if (!parsed.ok)
        return err({
          is: 'failed',
          failure: { is: 'store-answer-unreadable', text: `An answer of Microsoft Graph could not be read (${parsed.error.where}).` },
        })
      for (const place of open) answers[place] = parsed.value.get(String(place)) ?? answers[place]
      const again = open.filter((place) => {
        const one = answers[place]
        return one === undefined || isBusy(one) || isTrouble(one)
      })
      if (again.length === 0 || round === mostRounds) break
      const asked = retryAfterOf(again.flatMap((place) => answers[place] ?? []))
      if ((await client.pause(asked)) === undefined) break
      open = again
    }
  }
  return ok(answers)
}

/**
 * At most twenty writes, each sent once. Only those of which Graph says that they were throttled, and so not done, are
 * sent again; one with trouble, or without an answer, stays unknown.
 */
export const sendBatch = async (client: GraphClient, requests: readonly BatchRequest[]): Promise<Result<BatchAnswers, SendFailure>> => {
  if (requests.length > mostInBatch) throw new Error('graph: a batch of more than twenty')
  const answers: (BatchAnswer | undefined)[] = requests.map(() => undefined)
  let open = requests.map((_, place) => place)
  for (let round = 1; open.length > 0 && round <= mostRounds; round += 1) {
    const answer = await client.send('/$batch', payload(requests, open), open.length)
    if (!answer.ok) {
      // Of those that were throttled a moment ago nothing is unknown: they keep that answer, unless this call may have done them.
      if (round === 1) return answer
      if (answer.error.is === 'outcome-unknown') for (const place of open) answers[place] = undefined
      break
    }
    const parsed = parseBatch(answer.value)
    if (!parsed.ok) {
      for (const place of open) answers[place] = undefined
      break
    }
    for (const place of open) answers[place] = parsed.value.get(String(place))
    const again = open.filter((place) => {
      const one = answers[place]
      return one !== undefined && isBusy(one)
    })
    if (again.length === 0 || round === mostRounds) break
    if ((await client.pause(retryAfterOf(again.flatMap((place) => answers[place] ?? [])))) === undefined) break
    open = again
  }
  return ok(answers.map((answer) => (answer !== undefined && isTrouble(answer) ? undefined : answer)))
}
