/**
 * Draws icons in a process of its own. A picture comes from outside, and whoever breaks its decoder must not find the
 * stores' secrets beside it; and what the decoder leaves in memory (some 30 kB a picture, measured over 6,000) goes with
 * the process. It is there while there is something to draw, and is made anew after a while.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import * as v from 'valibot'
import type { DrawIcon, DrawnIcon } from './icon-drawing.ts'
import type { IconRefused } from './icon-fetching.ts'
import type { Clock } from '../shared/clock.ts'
import { err, ok, type Result } from '../shared/result.ts'

const idleMs = 10_000
const drawingMs = 15_000
const mostDrawings = 200

const bytes = v.instance(Uint8Array)
const answerForm = v.variant('is', [
  v.object({ is: v.literal('ready') }),
  v.object({ is: v.literal('drawn'), key: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)), small: bytes, large: bytes }),
  v.object({ is: v.literal('no-picture') }),
])
type Answer = v.InferOutput<typeof answerForm>

interface Studio {
  readonly child: ChildProcess
  /** Undefined: it ended instead of answering. */
  hear: (answer: Answer | undefined) => void
  drawings: number
  cancelIdle: () => void
}

/** One picture at a time. Throws when the process does not even begin: that says nothing about the picture. */
export const createIconProcess = ({ clock }: { readonly clock: Clock }): DrawIcon => {
  let studio: Studio | undefined
  let last: Promise<unknown> = Promise.resolve()

  const end = (ended: Studio): void => {
    ended.cancelIdle()
    if (studio === ended) studio = undefined
    ended.child.kill('SIGKILL')
  }

  const nextAnswer = (of: Studio): Promise<Answer | undefined> =>
    new Promise((resolve) => {
      const cancel = clock.after(drawingMs, () => {
        end(of)
        of.hear(undefined)
      })
      of.hear = (answer) => {
        cancel()
        of.hear = () => undefined
        resolve(answer)
      }
    })

  const open = async (): Promise<Studio> => {
    // Nothing of this process's environment, which may hold a password; Windows begins nothing without its own directory.
    const systemRoot = process.env['SystemRoot']
    const child = fork(join(import.meta.dirname, 'icon-process-main.ts'), [], {
      env: systemRoot === undefined ? {} : { SystemRoot: systemRoot },
      execArgv: ['--max-old-space-size=128'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const opened: Studio = { child, hear: () => undefined, drawings: 0, cancelIdle: () => undefined }
    child.on('message', (message: unknown) => {
      const answer = v.safeParse(answerForm, message)
      opened.hear(answer.success ? answer.output : undefined)
    })
    const gone = (): void => {
      if (studio === opened) studio = undefined
      opened.cancelIdle()
      opened.hear(undefined)
    }
    child.on('exit', gone)
    child.on('error', gone)
    // It never keeps the server from ending, and ends itself when its channel does.
    child.unref()
    child.channel?.unref()
    const answer = await nextAnswer(opened)
    if (answer?.is !== 'ready') {
      end(opened)
      throw new Error('icons: the process that draws them does not begin; is sharp there for this machine?')
    }
    return opened
  }

  const draw = async (picture: Uint8Array): Promise<Result<DrawnIcon, IconRefused>> => {
    studio ??= await open()
    const current = studio
    current.cancelIdle()
    const answered = nextAnswer(current)
    current.child.send({ picture })
    const answer = await answered
    current.drawings += 1
    if (current.drawings >= mostDrawings) end(current)
    else if (studio === current) current.cancelIdle = clock.after(idleMs, () => end(current))
    // It broke down over this picture, or took too long.
    return answer?.is === 'drawn' ? ok({ key: answer.key, small: answer.small, large: answer.large }) : err({ is: 'no-picture' })
  }

  return (picture) => {
    const drawn = last.then(() => draw(picture))
    last = drawn.catch(() => undefined)
    return drawn
  }
}
