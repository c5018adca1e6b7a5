// Package rehearsal plays role plays without a browser, for the commands rehearse, partner and
// loadtest.
//
// A Target is the server to play on: one that runs already, or one that is started for the purpose
// on a temporary folder. A RolePlay signs in, creates an attempt, speaks audio files as the
// candidate and the patient, and waits for the report. A Partner joins an existing
// attempt as the patient. A LoadTest fills many rooms at once. For example:
//
//	t, err := rehearsal.OpenTarget(ctx, "http://localhost:8080", rehearsal.Launch{})
//	...
//	defer t.Close()
//	result, err := rehearsal.RolePlay{Candidate: rehearsal.Demo("candidate", "", "", password),
//		CandidateAudio: "anna.wav", OpenAudio: open, Progress: os.Stderr}.Run(ctx, t)
package rehearsal
