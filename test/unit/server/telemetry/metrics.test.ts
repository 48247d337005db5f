/** What a scrape shows of what was counted, and that the documentation names all of it. */
import { readFileSync } from 'node:fs'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { expect, test } from 'vitest'

const sample = async (metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> =>
  (await metrics.scrape()).text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

test('every count shows at the next scrape, and again at the one after', async () => {
  const metrics = createMetrics()
  metrics.taskSubmitted()
  metrics.taskSubmitted()
  metrics.taskEnded('completed')
  metrics.taskBlocked()
  metrics.stepStarted()
  metrics.stepEnded('failed')
  metrics.stepEnded('completed')
  metrics.stepRetryScheduled()
  metrics.stepReleased()
  metrics.stepCheckpointed()
  metrics.resultIgnored()
  metrics.commitsAppended(40, 0.003)
  metrics.commitsAppended(2, 0.3)
  metrics.appendFailed('unknown')
  metrics.httpRequest('GET', '/v1/tasks', 200, 0.01)
  const expected = [
    'tasker_tasks_submitted_total 2',
    'tasker_tasks_ended_total{end="completed"} 1',
    'tasker_tasks_blocked_total 1',
    'tasker_steps_started_total 1',
    'tasker_steps_ended_total{outcome="failed"} 1',
    'tasker_steps_ended_total{outcome="completed"} 1',
    'tasker_steps_retry_scheduled_total 1',
    'tasker_steps_released_total 1',
    'tasker_steps_checkpointed_total 1',
    'tasker_step_results_ignored_total 1',
    'tasker_commits_total 42',
    'tasker_commit_batch_commits_count 2',
    'tasker_append_seconds_bucket{le="0.005"} 1',
    'tasker_append_failures_total{result="unknown"} 1',
    'tasker_http_requests_total{method="GET",route="/v1/tasks",status="200"} 1',
  ]
  expect(await sample(metrics)).toEqual(expect.arrayContaining(expected))
  expect(await sample(metrics)).toEqual(expect.arrayContaining(expected))
})

test('levels are read when somebody scrapes', async () => {
  const metrics = createMetrics()
  let pendingCommits = 1
  metrics.observeLevels(() => ({
    pendingCommits,
    projectionLagSeconds: 0.25,
    workers: 2,
    slots: 20,
    slotsBusy: 7,
    readySteps: 5,
    keyStepsWaiting: 3,
    keyPlacesHeld: 2,
    quarantinedStreams: 0,
    domainEventLagSeconds: 0,
    unservedQueues: 0,
    sealWaitingSeconds: 0,
    sealUnpublishedSeconds: 0,
  }))
  expect(await sample(metrics)).toEqual(
    expect.arrayContaining([
      'tasker_pending_commits 1',
      'tasker_worker_slots_busy 7',
      'tasker_key_steps_waiting 3',
      'tasker_key_places_held 2',
    ]),
  )
  pendingCommits = 9
  expect(await sample(metrics)).toContain('tasker_pending_commits 9')
})

test('two servers in one process count for themselves', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  one.taskSubmitted()
  expect(await sample(other)).toContain('tasker_tasks_submitted_total 0')
})

test('the process is measured when asked for', async () => {
  const lines = await sample(createMetrics({ withProcess: true }))
  expect(lines.some((line) => line.startsWith('tasker_node_process_cpu_seconds_total '))).toBe(true)
})

test('the documentation names exactly the metrics that exist', async () => {
  const { text } = await createMetrics().scrape()
  const exist = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
  const page = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8')
  const documented = [...page.matchAll(/^\| `(tasker_\w+)`/gm)].map(([, name]) => name)
  expect(documented.toSorted()).toEqual(exist.toSorted())
})
