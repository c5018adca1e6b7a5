// Package evaluation holds tests that measure how well the automatic patient understands: typed
// paraphrases of what candidates say, the same spoken by synthetic voices through Opus with loss
// and noise, and sentences that have no place in a scenario. make eval-patient prints the tables.
//
// The paraphrases were written by somebody who had not seen the examples that the matcher learns
// from. The matcher's weights and thresholds were fitted on the paraphrases of some scenarios
// (fitted); what must hold is judged on all others.
package evaluation
