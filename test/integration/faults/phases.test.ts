/** What stands still, is cut off, has no room, or is there twice; and how long recovery takes. */
import { PHASES } from '../../soak/phases.js'
import { KILLS } from '../../soak/phases/kills.js'
import { testShortForms } from './short-forms.js'

testShortForms(PHASES.filter((phase) => !KILLS.includes(phase)))
