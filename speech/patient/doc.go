// Package patient decides what an automatic patient says. It is pure: the same words at the same
// times give the same answers. It has no clock, does no input or output and starts no goroutine.
//
// A role play of the OET has an interlocutor who answers what is asked, does not lead, hides what
// has to be earned, drops hints, and never scores. Package patient plays this part from a script:
// intents describe by examples what the candidate may say, facts what the patient tells when asked
// and trusted enough, cues what it hints at. A Dialogue is the script of one scenario; a State is
// what happened in one conversation.
//
// What was said is known only as a recogniser heard it, so the matcher of intents is trained on
// sentences with errors, and compares sounds as well as words.
package patient
