/** The SQL of a task list: conditions, order and page, with every value as a parameter. */
import type { ListPlace } from './cursor.js'
import type { TaskFilter, TaskSort } from './query.js'

export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

const COLUMNS =
  'task_id, namespace, name, version, status, priority, tags, initiator, source_system, reason, correlation_id, ' +
  'created_at_ms, updated_at_ms, ended_at_ms, stream_version, steps'

const SEARCHED = "concat_ws(' ', task_id, name, initiator, source_system, reason, correlation_id, array_to_string(tags, ' '))"

/** One page of tasks; `limit` counts the row that tells whether there is another page. */
export const taskListStatement = (
  filter: TaskFilter,
  sort: TaskSort,
  after: ListPlace | undefined,
  offset: number,
  limit: number,
): Statement => {
  const values: unknown[] = []
  const parameter = (value: unknown): string => `$${values.push(value)}`
  const conditions = filterConditions(filter, parameter)
  const column = sort.by === 'created_at' ? 'created_at_ms' : 'updated_at_ms'
  if (after !== undefined) {
    const than = sort.direction === 'asc' ? '>' : '<'
    conditions.push(`(${column}, task_id) ${than} (${parameter(after.sortedAt)}, ${parameter(after.taskId)})`)
  }
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
  const order = ` order by ${column} ${sort.direction}, task_id ${sort.direction}`
  const page = ` limit ${parameter(limit)}${offset === 0 ? '' : ` offset ${parameter(offset)}`}`
  return { text: `select ${COLUMNS} from task${where}${order}${page}`, values }
}

const filterConditions = (filter: TaskFilter, parameter: (value: unknown) => string): string[] => {
  const conditions: string[] = []
  const add = (value: unknown, condition: (name: string) => string): void => {
    if (value !== undefined) conditions.push(condition(parameter(value)))
  }
  add(filter.namespace, (name) => `namespace = ${name}`)
  add(filter.name, (name) => `name = ${name}`)
  add(filter.version, (name) => `version = ${name}`)
  add(filter.statuses?.length === 0 ? undefined : filter.statuses, (name) => `status = any(${name}::text[])`)
  add(filter.tag, (name) => `tags @> array[${name}]::text[]`)
  add(filter.initiator, (name) => `initiator = ${name}`)
  add(filter.correlationId, (name) => `correlation_id = ${name}`)
  add(filter.createdFrom, (name) => `created_at_ms >= ${name}`)
  add(filter.createdBefore, (name) => `created_at_ms < ${name}`)
  add(filter.updatedFrom, (name) => `updated_at_ms >= ${name}`)
  add(filter.updatedBefore, (name) => `updated_at_ms < ${name}`)
  add(filter.text, (name) => `strpos(lower(${SEARCHED}), lower(${name})) > 0`)
  return conditions
}
