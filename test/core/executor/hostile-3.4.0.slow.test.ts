/** 5,000 broken programs and stdin files for SP1 3.4.0; those for 5.2.4 are beside, to run at the same time. */
import { itSurvives } from '../../support/hostile-soak.js'

itSurvives(5000, '3.4.0')
