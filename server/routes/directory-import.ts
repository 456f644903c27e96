/** The directory from CSV files. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { importHeads, importKinds } from '../directory/csv.ts'
import { decodeCsv } from '../directory/csv-text.ts'
import type { DirectoryImport } from '../directory/import.ts'
import { answerProblem, type Problem } from '../problem.ts'
import { answer, problems } from './describe.ts'
import { query } from './input.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const fieldChangeSchema = v.object({
  field: v.string(),
  before: v.pipe(v.string(), v.description('Empty: there was none')),
  after: v.string(),
})
const importedSchema = v.object({
  read: v.pipe(v.number(), v.description('Rows that hold anything')),
  created: v.number(),
  changed: v.number(),
  unchanged: v.number(),
  changes: v.pipe(
    v.array(
      v.object({
        row: v.pipe(v.number(), v.description('As a spreadsheet counts: the heads are row 1')),
        id: v.pipe(v.nullable(v.string()), v.description('Null: it would be new')),
        name: v.string(),
        is: v.picklist(['created', 'changed']),
        joinedBy: v.pipe(v.nullable(v.string()), v.description('The rule by which the row is a person or device that is known')),
        fields: v.array(fieldChangeSchema),
      }),
    ),
    v.description('Of a dry run: one page of created + changed; empty otherwise'),
  ),
  errors: v.pipe(v.array(v.object({ row: v.number(), field: v.string(), text: v.string() })), v.description('One page of errorCount')),
  errorCount: v.number(),
})
const page = (most: number, usual: number) =>
  v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,7}$/, 'must be a whole number'), v.transform(Number), v.maxValue(most, `must be at most ${most}`)),
    String(usual),
  )
const flag = v.optional(v.picklist(['true', 'false'], 'must be true or false'), 'false')
const importQuery = v.object({
  kind: v.picklist(importKinds, `must be one of ${importKinds.join(', ')}`),
  dryRun: flag,
  partial: v.optional(
    v.pipe(v.picklist(['true', 'false'], 'must be true or false'), v.description('Take the good rows although others are wrong')),
    'false',
  ),
  changesFrom: page(9_999_999, 0),
  changesLimit: page(5000, 500),
  errorsFrom: page(9_999_999, 0),
  errorsLimit: page(5000, 1000),
})

const headsInWords = importKinds.map((kind) => `${kind}: ${importHeads[kind].join(',')}`).join('; ')

export const directoryImportRoutes =
  (deps: { readonly imports: DirectoryImport }): RouteModule =>
  (web) => {
    web.post(
      `${api}/directory/import`,
      describeRoute({
        tags: ['Directory'],
        summary: 'Import people, devices, groups or memberships from CSV',
        description: `The file as text/csv, or as the field file of multipart/form-data; UTF-8, or UTF-16 with its mark; commas, semicolons or tabs; exact heads (${headsInWords}). All rows or none, unless partial. A file adds and changes and removes nobody; an empty cell says nothing. A dry run tells every change, field by field, in pages.`,
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
        const { kind, dryRun, partial, changesFrom, changesLimit, errorsFrom, errorsLimit } = c.req.valid('query')
        const text = await csvIn(c)
        if (typeof text !== 'string') return answerProblem(c, text)
        const done = await deps.imports.run(actorIn(c), kind, text, {
          dryRun: dryRun === 'true',
          partial: partial === 'true',
          changesFrom,
          mostChanges: changesLimit,
          errorsFrom,
          mostErrors: errorsLimit,
        })
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
          detail: `${imported.errorCount} faults were found, the first in row ${first?.row ?? 0}: ${first?.text ?? ''}. Nothing was taken over. Mend the file, or take the good rows with partial=true.`,
          extra: { ...imported },
        })
      },
    )
  }

/** The text of the file that a request holds, as text/csv or in a form. */
export const csvIn = async (c: WebContext): Promise<string | Problem> => {
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
  const text = decodeCsv(new Uint8Array(bytes))
  return text.ok ? text.value : { status: 400, code: text.error.is, detail: `${text.error.text} Nothing was taken over.` }
}
