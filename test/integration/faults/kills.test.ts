/** Processes are killed under load. In a file of its own, so that it runs beside the other phases. */
import { KILLS } from '../../soak/phases/kills.js'
import { testShortForms } from './short-forms.js'

testShortForms(KILLS)
