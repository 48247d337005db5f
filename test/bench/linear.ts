/** The task of W1 and W5: four steps, one after another, that do nothing. */
import { defineTask } from '@tasker/sdk'

export const STEPS_PER_TASK = 4

export const linear4 = defineTask('linear_4', { namespace: 'bench', version: '1.0.0' })
  .step('a', () => 1)
  .step('b', { after: ['a'] }, () => 1)
  .step('c', { after: ['b'] }, () => 1)
  .step('d', { after: ['c'] }, () => 1)
