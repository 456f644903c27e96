/** The directory from CSV files. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { importHeads, importKinds } from '../directory/csv.ts'
import { importDirectory, type ImportDeps } from '../directory/import.ts'
import { answerProblem, type Problem } from '../problem.ts'
import { answer, problems } from './describe.ts'
import { query } from './input.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const importedSchema = v.object({
  read: v.number(),
  created: v.number(),
  changed: v.number(),
  unchanged: v.number(),
  errors: v.array(v.object({ row: v.number(), field: v.string(), text: v.string() })),
})
const flag = v.optional(v.picklist(['true', 'false'], 'must be true or false'), 'false')
const importQuery = v.object({
  kind: v.picklist(importKinds, `must be one of ${importKinds.join(', ')}`),
  dryRun: flag,
  partial: v.optional(
    v.pipe(v.picklist(['true', 'false'], 'must be true or false'), v.description('Take the good rows although others are wrong')),
    'false',
  ),
})

const headsInWords = importKinds.map((kind) => `${kind}: ${importHeads[kind].join(',')}`).join('; ')

export const directoryImportRoutes =
  (deps: ImportDeps): RouteModule =>
  (web) => {
    web.post(
      `${api}/directory/import`,
      describeRoute({
        tags: ['Directory'],
        summary: 'Import people, devices, groups or memberships from CSV',
        description: `The file as text/csv, or as the field file of multipart/form-data; UTF-8, commas, exact heads (${headsInWords}). All rows or none, unless partial. A file adds and changes and removes nobody.`,
        requestBody: { content: { 'text/csv': { schema: { type: 'string' } } } },
        responses: {
          200: answer('Taken over, or with dryRun what it would come to', importedSchema),
          422: answer('Rows are wrong, and nothing was taken over', importedSchema),
          ...problems(400, 415),
        },
      }),
      allow('manage-directory'),
      query(importQuery),
      async (c) => {
        const { kind, dryRun, partial } = c.req.valid('query')
        const text = await textIn(c)
        if (typeof text !== 'string') return answerProblem(c, text)
        const done = await importDirectory(deps, actorIn(c), kind, text, { dryRun: dryRun === 'true', partial: partial === 'true' })
        if (!done.ok) {
          const refused = done.error
          return answerProblem(
            c,
            refused.is === 'csv-heads'
              ? {
                  status: 400,
                  code: refused.is,
                  detail: `The first row must be ${refused.expected.join(',')}. Nothing was taken over.`,
                  extra: { found: refused.found, expected: refused.expected },
                }
              : { status: 400, code: refused.is, detail: `${refused.text} Nothing was taken over.` },
          )
        }
        const { is, imported } = done.value
        if (is !== 'refused') return c.json(imported)
        const first = imported.errors[0]
        return answerProblem(c, {
          status: 422,
          code: 'rows-refused',
          detail: `${imported.errors.length} faults were found, the first in row ${first?.row ?? 0}: ${first?.text ?? ''}. Nothing was taken over. Mend the file, or take the good rows with partial=true.`,
          extra: { ...imported },
        })
      },
    )
  }

const textIn = async (c: WebContext): Promise<string | Problem> => {
  const type = (c.req.header('content-type') ?? '').toLowerCase()
  let bytes: ArrayBuffer
  if (/^text\/csv\b/.test(type)) bytes = await c.req.arrayBuffer()
  else if (/^multipart\/form-data\b/.test(type)) {
    let file: FormDataEntryValue | null
    try {
      const form = await c.req.formData()
      file = form.get('file') ?? [...form.values()].find((value) => typeof value !== 'string') ?? null
    } catch {
      return { status: 400, code: 'request-malformed', detail: 'The form can not be read. Send the file as its field file.' }
    }
    if (file === null)
      return {
        status: 400,
        code: 'request-malformed',
        detail: 'The form holds no file. Send it as the field file.',
        errors: [{ field: 'file', text: 'is missing' }],
      }
    if (typeof file === 'string') return file
    bytes = await file.arrayBuffer()
  } else return { status: 415, code: 'csv-expected', detail: 'Send the file as text/csv, or in a form as multipart/form-data.' }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return {
      status: 400,
      code: 'csv-unreadable',
      detail: 'The file is not UTF-8. Save it as CSV UTF-8 and send it again. Nothing was taken over.',
    }
  }
}
