// Package voice turns the lines of an automatic patient into speech. Lines are known beforehand,
// so they are rendered once and kept; what the patient says in a role play is only played.
//
// A line is rendered by an engine, such as flite, from its text and from how it is said: by a
// woman of 63 who is anxious, for example. The engines are asked in order of preference; when one
// fails, the next one speaks. What an engine returns is trimmed, since a pause before the first
// word would delay the answer, and made as loud as recorded lines are (package line).
package voice
