/** 5,000 broken programs and stdin files for SP1 5.2.4; those for 3.4.0 are beside, to run at the same time. */
import { itSurvives } from '../../support/hostile-soak.js'

itSurvives(5000, '5.2.4')
