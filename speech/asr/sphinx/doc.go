// Package sphinx recognises speech with pocketsphinx, on the processor of this machine, with the
// model of US English that distributions package. It is the recogniser that is always there.
//
// What a stream expects to hear is the packaged language model and one of the scenario's
// sentences, in equal parts: fewer words are wrong than with either alone. The dictionary is that
// of the scenario and of the most frequent words, because fewer words are recognised faster.
package sphinx
